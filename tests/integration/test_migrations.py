"""Migrations: up, down, up again; two runners at once; the row that a killed run leaves; a server that is away."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from dev.postgres import PrivatePostgres
from shakerqueue.errors import Unavailable
from shakerqueue.migrations import SCHEMA_FOLDER, migrate_down, migrate_up, migration_status
from tests.support.bar import create_database, free_port

IDS = sorted(path.stem for path in SCHEMA_FOLDER.glob("*.up.sql"))


@pytest.fixture
def empty_database_url(postgres: PrivatePostgres) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    yield create_database(postgres, name)
    with psycopg.connect(postgres.admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_every_migration_has_its_way_back() -> None:
    assert IDS
    assert [] == [id for id in IDS if not (SCHEMA_FOLDER / f"{id}.rollback.sql").exists()]


def test_up_and_down_step_by_step(empty_database_url: str) -> None:
    assert dict.fromkeys(IDS, False) == migration_status(empty_database_url)
    assert IDS == migrate_up(empty_database_url)
    assert [] == migrate_up(empty_database_url)
    assert IDS[:-3:-1] == migrate_down(empty_database_url, steps=2)
    assert IDS[-2:] == migrate_up(empty_database_url)
    assert IDS[::-1] == migrate_down(empty_database_url, steps=None)


def test_runners_that_start_together_apply_each_migration_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as runners:
        applied = list(runners.map(migrate_up, [empty_database_url] * 4))
    assert IDS == [id for one in applied for id in one]


def test_the_lock_of_a_killed_run_is_cleared(empty_database_url: str) -> None:
    migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 4711)")
    migrate_down(empty_database_url, steps=1)
    assert IDS[-1:] == migrate_up(empty_database_url)


def test_several_hosts_of_which_one_lives(empty_database_url: str) -> None:
    before, at, rest = empty_database_url.partition("@")
    hosts, slash, name = rest.partition("/")
    several = f"{before}{at}127.0.0.1:{free_port()},{hosts}{slash}{name}?target_session_attrs=read-write"
    assert IDS == migrate_up(several)


def test_no_server_is_one_clear_error() -> None:
    with pytest.raises(Unavailable, match="database unavailable"):
        migrate_up(f"postgresql://127.0.0.1:{free_port()}/none")
