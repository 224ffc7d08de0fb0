"""Integrations: the programs that order and read, such as a POS, and the keys that they own."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from shakerqueue.api_keys import hash_of, new_key, prefix_of
from shakerqueue.errors import NotFound
from shakerqueue.queries import api_keys, users
from shakerqueue.queries.models import ApiKey, User, UserRole
from shakerqueue.scopes import Scope

NO_SUCH = "There is no such integration."


class IssuedKey(NamedTuple):
    """A key on the only occasion on which it can be read."""

    key: str
    integration: User
    stored: ApiKey


def add_integration(conn: Connection[Any], name: str) -> User:
    """A new integration. The driver's error becomes `Taken` where a person or a program has this name."""
    integration = users.insert_user(conn, username=name, email=None, password_hash=None, role=UserRole.INTEGRATION)
    assert integration is not None, "INSERT … RETURNING gives a row or raises"  # noqa: S101
    return integration


def integration_by_id(conn: Connection[Any], id: UUID) -> User:
    """Raises NotFound where nobody has this id, or a person does."""
    return _found(users.get_user(conn, id=id))


def integration_by_name(conn: Connection[Any], name: str) -> User:
    """Raises NotFound where no integration is called so."""
    return _found(api_keys.get_integration_by_name(conn, name=name))


def issue_key(
    conn: Connection[Any],
    integration: User,
    *,
    scopes: Iterable[Scope],
    expires_at: datetime | None,
    created_by: UUID | None = None,
) -> IssuedKey:
    """Another key of an integration. In a transaction.

    Raises:
        NotFound: it is disabled.
    """
    key = new_key()
    stored = api_keys.insert_api_key(
        conn,
        integration_id=integration.id,
        prefix=prefix_of(key),
        key_hash=hash_of(key),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
        created_by=created_by,
    )
    if stored is None:
        raise NotFound(NO_SUCH)
    return IssuedKey(key, integration, stored)


def _found(user: User | None) -> User:
    if user is None or user.role is not UserRole.INTEGRATION:
        raise NotFound(NO_SUCH)
    return user
