"""What a process knows of the keys, when readings and look-ups meet."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from shakerqueue import api_keys
from shakerqueue.api_keys import ApiKeyCache
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.integrations import IssuedKey, add_integration, issue_key
from shakerqueue.queries import api_keys as queries
from shakerqueue.queries.models import UsableApiKey
from shakerqueue.scopes import Scope
from tests.support.bar import Bar


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=4) as database:
        yield database


def issue(database: Database) -> IssuedKey:
    with database.transaction() as conn:
        return issue_key(conn, add_integration(conn, "till"), scopes=[Scope.ORDERS_READ], expires_at=None)


def read(cache: ApiKeyCache, database: Database) -> None:
    with database.connection() as conn:
        cache.read(conn)


def find(cache: ApiKeyCache, issued: IssuedKey) -> UUID:
    return cache.find(issued.key, Deadline.after(3)).id


def test_a_key_that_is_made_and_found_while_the_keys_are_read_stays_known(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ApiKeyCache(database)
    made: list[IssuedKey] = []
    list_keys = queries.list_usable_api_keys

    def list_slowly(conn: Any) -> list[UsableApiKey]:
        rows = list_keys(conn)
        made.append(issue(database))
        find(cache, made[0])
        return rows

    read(cache, database)
    monkeypatch.setattr(queries, "list_usable_api_keys", list_slowly)
    read(cache, database)
    assert cache.holds(made[0].stored.id)


def test_a_key_that_was_revoked_while_it_was_looked_up_is_not_remembered(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = ApiKeyCache(database)
    read(cache, database)
    issued = issue(database)
    get_key = queries.get_usable_api_key

    def get_slowly(conn: Any, *, prefix: str) -> UsableApiKey | None:
        found = get_key(conn, prefix=prefix)
        with database.connection() as other:
            queries.revoke_api_key(other, id=issued.stored.id, by=issued.integration.id)
        read(cache, database)
        return found

    monkeypatch.setattr(queries, "get_usable_api_key", get_slowly)
    find(cache, issued)
    assert not cache.holds(issued.stored.id)


def test_uses_that_could_not_be_noted_are_noted_later(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ApiKeyCache(database)
    monkeypatch.setattr(api_keys, "NOTE_USES_SECONDS", 0.0)
    issued = issue(database)
    find(cache, issued)
    with database.connection() as conn:
        conn.execute("SET default_transaction_read_only = on")
        cache.read(conn)
        conn.execute("SET default_transaction_read_only = off")
        assert [(None,)] == conn.execute("SELECT last_used_at FROM api_keys").fetchall()
        cache.read(conn)
        assert [(True,)] == conn.execute("SELECT last_used_at IS NOT NULL FROM api_keys").fetchall()
