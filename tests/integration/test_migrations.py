"""Migrations: up, down, up again; two runners at once; the row that a killed run leaves; a server that is away."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from dev.postgres import PrivatePostgres
from shakerqueue import migrations
from shakerqueue.errors import Unavailable
from shakerqueue.migrations import SCHEMA_FOLDER, migrate_down, migrate_up, migration_status
from tests.support.bar import create_database, free_port
from tests.support.waiting import eventually

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


def test_a_night_with_acknowledged_cancellations_goes_back_and_up_again(empty_database_url: str) -> None:
    """A type cannot lose a value: the way back makes it anew, and keeps all that the code of before can read."""
    migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(
            "WITH guest AS (INSERT INTO users (username, email, password_hash, role)"
            "  VALUES ('guest', 'guest@example.com', 'x', 'customer') RETURNING id),"
            " placed AS (INSERT INTO orders (id, principal_id, idempotency_key, fingerprint, placed_at, rush,"
            "   pending_count, canceled_count)"
            "  SELECT gen_random_uuid(), id, 'key', sha256('x'), now(), false, 0, 1 FROM guest RETURNING *),"
            " canceled AS (INSERT INTO order_items (order_id, number, recipe, station, status, prep_seconds, due_at,"
            "   canceled_at, cancellation_unseen)"
            "  SELECT id, 1, 'Margarita', 'well', 'canceled', 60, now(), now(), true FROM placed)"
            " INSERT INTO order_events (order_id, item_number, type, principal_id)"
            "  SELECT id, 1, unnest(ARRAY['canceled', 'acknowledged']::order_event_type[]), principal_id FROM placed"
        )
    steps = len(IDS) - IDS.index("0009_cancellations.up")
    migrate_down(empty_database_url, steps)
    with psycopg.connect(empty_database_url) as conn:
        assert [("canceled",)] == conn.execute("SELECT type::text FROM order_events").fetchall()
    assert IDS[-steps:] == migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        assert [("canceled", False)] == conn.execute(
            "SELECT status::text, cancellation_unseen FROM order_items"
        ).fetchall()


def test_the_orders_of_a_tables_guest_outlive_the_way_back(empty_database_url: str) -> None:
    """The code of before knows nobody without a password but integrations; as one of these nobody gets in either."""
    migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(
            "WITH place AS (INSERT INTO tables (label) VALUES ('Terrace 4') RETURNING id),"
            " guest AS (INSERT INTO users (username, role, table_id) SELECT 'guest', 'customer', id FROM place"
            "  RETURNING id),"
            " pass AS (INSERT INTO sessions (id, user_id, token_hash, expires_at)"
            "  SELECT gen_random_uuid(), id, sha256('x'), now() + interval '1 hour' FROM guest)"
            " INSERT INTO orders (id, principal_id, idempotency_key, fingerprint, placed_at, rush, pending_count)"
            "  SELECT gen_random_uuid(), id, 'key', sha256('x'), now(), false, 1 FROM guest"
        )
    steps = len(IDS) - IDS.index("0011_tables.up")
    migrate_down(empty_database_url, steps)
    with psycopg.connect(empty_database_url) as conn:
        assert [("integration", True, True)] == conn.execute(
            "SELECT role::text, disabled_at IS NOT NULL, revoked_at IS NOT NULL"
            " FROM users JOIN orders ON principal_id = users.id JOIN sessions ON user_id = users.id"
        ).fetchall()
    assert IDS[-steps:] == migrate_up(empty_database_url)


def test_a_night_with_served_drinks_goes_back_and_up_again(empty_database_url: str) -> None:
    """The drinks stay complete, as the code of before knew them; that the guests have them is forgotten."""
    migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(
            "WITH guest AS (INSERT INTO users (username, email, password_hash, role)"
            "  VALUES ('guest', 'guest@example.com', 'x', 'customer') RETURNING id),"
            " placed AS (INSERT INTO orders (id, principal_id, idempotency_key, fingerprint, placed_at, rush,"
            "   pending_count, complete_count)"
            "  SELECT gen_random_uuid(), id, 'key', sha256('x'), now(), false, 0, 1 FROM guest RETURNING *),"
            " served AS (INSERT INTO order_items (order_id, number, recipe, station, status, prep_seconds, due_at,"
            "   completed_at, served_at)"
            "  SELECT id, 1, 'Margarita', 'well', 'complete', 60, now(), now(), now() FROM placed)"
            " INSERT INTO order_events (order_id, item_number, type, principal_id) SELECT id, 1,"
            "  unnest(ARRAY['completed', 'served', 'unserved', 'served']::order_event_type[]), principal_id FROM placed"
        )
    steps = len(IDS) - IDS.index("0012_served.up")
    migrate_down(empty_database_url, steps)
    with psycopg.connect(empty_database_url) as conn:
        assert [("completed",)] == conn.execute("SELECT type::text FROM order_events").fetchall()
    assert IDS[-steps:] == migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        assert [("complete", None)] == conn.execute("SELECT status::text, served_at FROM order_items").fetchall()


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


@pytest.fixture
def slow_statements(postgres: PrivatePostgres, empty_database_url: str) -> str:
    """Every statement that changes the schema takes a moment, so that a kill can hit it in the middle."""
    name = empty_database_url.rpartition("/")[2]
    with psycopg.connect(postgres.admin_url.rpartition("/")[0] + f"/{name}", autocommit=True) as conn:
        conn.execute(
            "CREATE FUNCTION public.dawdle() RETURNS event_trigger LANGUAGE plpgsql"
            " AS $$ BEGIN PERFORM pg_sleep(0.02); END $$"
        )
        conn.execute("CREATE EVENT TRIGGER dawdle ON ddl_command_end EXECUTE FUNCTION public.dawdle()")
    return empty_database_url


def applied(database_url: str) -> int:
    with psycopg.connect(database_url) as conn:
        if conn.execute("SELECT to_regclass('_yoyo_migration')").fetchone() == (None,):
            return 0
        return len(conn.execute("SELECT FROM _yoyo_migration").fetchall())


def test_a_run_that_is_killed_at_any_moment_is_finished_by_the_next(
    postgres: PrivatePostgres, slow_statements: str, template_database: str
) -> None:
    """Killed again and again, each time a little further on, while statements run: nothing is half done."""
    moments = random.Random(20260001)
    kills = 0
    while (before := applied(slow_statements)) < len(IDS) - 1:
        with migrating(slow_statements) as run:
            # The first one in the middle of the first migration, each other one a migration further on.
            eventually(partial(has_begun, slow_statements, before, first=kills == 0), deadline_seconds=20)
            time.sleep(moments.uniform(0, 0.1))  # no condition: the moment is meant to be any
            run.kill()
            ended = run.wait(10)
        assert ended in (-signal.SIGKILL, 0)  # the last migrations are quicker than a moment
        kills += ended == -signal.SIGKILL
        eventually(lambda: not statements_running(slow_statements))
    assert kills >= 3
    migrate_up(slow_statements)
    name = template_database
    assert schema_of(postgres, name) == schema_of(postgres, slow_statements.rpartition("/")[2])


def has_begun(database_url: str, before: int, *, first: bool) -> bool:
    return statements_running(database_url) if first else applied(database_url) > before


def test_a_kill_between_a_migration_and_the_note_of_it_leaves_neither(
    slow_statements: str,
) -> None:
    """Killed where the note is about to be written: the migration itself must not stay behind without it."""
    program = (
        "import os, signal, sys; from yoyo.backends import DatabaseBackend;"
        "from shakerqueue.migrations import migrate_up;"
        "DatabaseBackend.mark_one = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL);"
        "migrate_up(sys.argv[1])"
    )
    ended = subprocess.run([sys.executable, "-c", program, slow_statements], check=False)
    assert -signal.SIGKILL == ended.returncode
    eventually(lambda: not statements_running(slow_statements))
    assert IDS == migrate_up(slow_statements)


@contextmanager
def migrating(database_url: str) -> Iterator[subprocess.Popen[bytes]]:
    program = "import sys; from shakerqueue.migrations import migrate_up; migrate_up(sys.argv[1])"
    with subprocess.Popen([sys.executable, "-c", program, database_url]) as process:
        yield process


def statements_running(database_url: str) -> bool:
    with psycopg.connect(database_url) as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ).fetchone()
    return row != (0,)


def schema_of(postgres: PrivatePostgres, database: str) -> list[str]:
    """Every definition of the database's schema, without what the test itself put there."""
    url = postgres.admin_url.rpartition("/")[0] + f"/{database}"
    dump = subprocess.run(
        [postgres.program("pg_dump"), "--schema-only", "--no-owner", url], capture_output=True, text=True, check=True
    ).stdout
    statements = [statement.strip() for statement in dump.split(";\n")]
    return sorted(one for one in statements if "dawdle" not in one and "restrict" not in one)


def test_the_way_back_leaves_no_pin_session_that_would_be_one_with_all_rights(empty_database_url: str) -> None:
    migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        conn.execute(
            "WITH admin AS (INSERT INTO users (username, email, password_hash, role)"
            "  VALUES ('admin', 'admin@example.com', 'x', 'admin') RETURNING id),"
            " parent AS (INSERT INTO sessions (id, user_id, token_hash, expires_at)"
            "  SELECT gen_random_uuid(), id, sha256('x'), now() + interval '1 hour' FROM admin RETURNING *)"
            "INSERT INTO sessions (id, user_id, token_hash, expires_at, parent_id)"
            " SELECT gen_random_uuid(), user_id, token_hash, expires_at, id FROM parent"
        )
    migrate_down(empty_database_url, steps=len(IDS) - IDS.index("0010_pins.up"))
    with psycopg.connect(empty_database_url) as conn:
        assert [(True,), (False,)] == conn.execute("SELECT revoked_at IS NULL FROM sessions ORDER BY 1 DESC").fetchall()


@pytest.fixture
def before_order_became(empty_database_url: str) -> str:
    """A database that lacks the migration by which `order_events` got a column, and what came after it."""
    migrate_up(empty_database_url)
    migrate_down(empty_database_url, steps=len(IDS) - IDS.index("0014_order_became.up"))
    return empty_database_url


def test_a_migration_that_waits_for_a_backup_holds_up_nobody(before_order_became: str) -> None:
    """Nobody gets past a request for a lock, so one that waits as long as pg_dump takes would stop the bar."""
    with ThreadPoolExecutor(1) as runner, psycopg.connect(before_order_became) as reader:
        reader.execute("LOCK TABLE order_events IN ACCESS SHARE MODE")  # as pg_dump does with every table
        run = runner.submit(migrate_up, before_order_became)
        for _ in range(2):  # it comes again
            eventually(lambda: waits_for_a_table(before_order_became))
            with psycopg.connect(before_order_became, options="-c lock_timeout=1s") as writer:
                writer.execute("LOCK TABLE order_events IN ROW EXCLUSIVE MODE")
        assert not run.done()
        reader.rollback()
        assert "0014_order_became.up" == run.result(30)[0]


def waits_for_a_table(database_url: str) -> bool:
    with psycopg.connect(database_url) as conn:
        waiting = conn.execute(
            "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
            " WHERE datname = current_database() AND locktype = 'relation' AND NOT granted"
        )
        return waiting.rowcount > 0


def test_a_migration_whose_tables_stay_in_use_gives_up_and_changes_nothing(
    before_order_became: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_PATIENCE_SECONDS", 0)
    with psycopg.connect(before_order_became) as reader:
        reader.execute("LOCK TABLE order_events IN ACCESS SHARE MODE")
        with pytest.raises(Unavailable, match="found its tables in use"):
            migrate_up(before_order_became)
    assert not migration_status(before_order_became)["0014_order_became.up"]
    assert "0014_order_became.up" == migrate_up(before_order_became)[0]


def test_several_hosts_of_which_one_lives(empty_database_url: str) -> None:
    before, at, rest = empty_database_url.partition("@")
    hosts, slash, name = rest.partition("/")
    several = f"{before}{at}127.0.0.1:{free_port()},{hosts}{slash}{name}?target_session_attrs=read-write"
    assert IDS == migrate_up(several)


def test_no_server_is_one_clear_error() -> None:
    with pytest.raises(Unavailable, match="database unavailable"):
        migrate_up(f"postgresql://127.0.0.1:{free_port()}/none")


def test_an_index_whose_making_by_hand_was_broken_off_is_refused(empty_database_url: str) -> None:
    """It is there, and nobody reads it; the one that it is to replace is kept."""
    migrate_up(empty_database_url)
    migrate_down(empty_database_url, steps=len(IDS) - IDS.index("0018_growth.up"))
    with (
        psycopg.connect(empty_database_url) as writer,
        psycopg.connect(empty_database_url, autocommit=True, options="-c lock_timeout=100ms") as conn,
    ):
        writer.execute("LOCK TABLE order_events IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            conn.execute("CREATE INDEX CONCURRENTLY order_events_remakes_idx ON order_events (order_id)")
    with pytest.raises(psycopg.errors.RaiseException, match="order_events_remakes_idx is invalid"):
        migrate_up(empty_database_url)
    with psycopg.connect(empty_database_url) as conn:
        assert (True,) == conn.execute("SELECT to_regclass('order_events_order_id_idx') IS NOT NULL").fetchone()
        conn.execute("DROP INDEX order_events_remakes_idx")
    assert "0018_growth.up" in migrate_up(empty_database_url)
