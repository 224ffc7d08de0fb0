"""The pool: deadlines that hold, connections that heal, and driver errors that mean one of three things."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg.adapt import PyFormat
from psycopg.pq import Format

from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.queries.reports import prepare_report
from tests.support.bar import Bar, free_port
from tests.support.waiting import eventually

INSERT_USER = "INSERT INTO users (username, email, password_hash, role) VALUES (%s, %s, 'x', 'customer')"


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=1) as database:
        yield database


def backend_pid(database: Database) -> int:
    with database.connection() as conn:
        row = conn.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        return int(row[0])


def test_a_wait_ends_at_its_deadline_and_the_connection_is_not_used_again(database: Database) -> None:
    before = backend_pid(database)
    began = time.monotonic()

    with pytest.raises(Unavailable, match="deadline"), database.connection(Deadline.after(0.3)) as conn:
        conn.execute("SELECT pg_sleep(10)")

    assert 0.3 <= time.monotonic() - began < 2.0
    assert before != backend_pid(database)


def test_a_connection_whose_deadline_passed_long_ago_is_used_again(database: Database) -> None:
    deadline = Deadline.after(0.05)
    with database.connection(deadline) as conn:
        first = conn.info.backend_pid
        eventually(lambda: deadline.passed)
    assert first == backend_pid(database)


def test_a_connection_that_the_server_closed_is_replaced_unnoticed(bar: Bar, database: Database) -> None:
    pid = backend_pid(database)
    with psycopg.connect(bar.database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert pid != backend_pid(database)


def test_many_connections_that_the_server_closed_are_replaced_at_once(bar: Bar) -> None:
    """One by one, with the pool's pause between them, they would cost an idle process its next request."""
    database = Database(bar.database_url, pool_size=4, application_name="many")
    database.start()
    with ThreadPoolExecutor(4) as threads:
        together = Barrier(4)

        def use() -> None:
            with database.connection() as conn:
                together.wait(5)
                conn.execute("SELECT 1")

        for done in [threads.submit(use) for _ in range(4)]:
            done.result()
    ended = bar.query(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'many' AND datname = current_database()"
    )
    assert 4 == len(ended)
    with database.connection(Deadline.after(0.7)) as conn:
        conn.execute("SELECT 1")
    database.stop()


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as conn:
        conn.execute(INSERT_USER, ["new", "new@example.com"])
        raise RuntimeError

    with database.connection() as conn:
        assert [] == conn.execute("SELECT FROM users WHERE username = 'new'").fetchall()


def test_no_server_is_unavailable_within_the_pools_wait(bar: Bar) -> None:
    database = Database(f"postgresql://127.0.0.1:{free_port()}/none", pool_size=1, application_name="tests")
    database.start()
    began = time.monotonic()
    with pytest.raises(Unavailable):
        database.ping(Deadline.after(5))
    assert time.monotonic() - began < 3
    database.stop()


@pytest.mark.parametrize(
    ("type_name", "values"),
    [
        ("text", ['"{,}\\ \n', "", "NULL", "crème 🍸"]),
        ("bytea", [b"", b"\\x00\0"]),
        ("smallint", [1, -1, 100]),
        ("bigint", [1, 1 << 40]),
        ("boolean", [True, False, None]),
        ("uuid", [UUID(int=7)]),
        ("timestamptz", [datetime(2026, 6, 5, 23, 59, 59, 999_999, tzinfo=UTC)]),
        ("order_event_type", ["placed", "failed"]),
        ("text", []),
    ],
    ids=["texts", "bytes", "small numbers", "large numbers", "booleans", "uuids", "moments", "enums", "nothing"],
)
def test_a_list_is_sent_in_binary_and_arrives_as_it_was(
    database: Database, type_name: LiteralString, values: list[object]
) -> None:
    with database.connection() as conn:
        assert Format.BINARY == conn.adapters.get_dumper(list, PyFormat.AUTO).format
        sent = conn.execute(f"SELECT unnest(%s::{type_name}[])", [values])
        assert values == [value for (value,) in sent]


@pytest.mark.parametrize(
    ("statement", "parameters", "constraint"),
    [
        (INSERT_USER, ["USER", "new@example.com"], "users_username_key"),
        (INSERT_USER, ["x" * 65, "new@example.com"], "users_username_length"),
        (INSERT_USER, ["nul\0", "new@example.com"], None),
        (INSERT_USER, ["half \ud83c", "new@example.com"], None),
        ("SELECT %s::text[]", [["nul\0"]], None),
        ("SELECT %s::text[]", [["half \ud83c"]], None),
        ("SELECT 1 / %s", [0], None),
    ],
    ids=["unique", "check", "nul", "surrogate", "nul in a list", "surrogate in a list", "class 22"],
)
def test_what_the_data_is_to_blame_for_is_refused(
    database: Database, statement: str, parameters: list[object], constraint: str | None
) -> None:
    with pytest.raises(DataRefused) as refused, database.transaction() as conn:
        conn.execute(statement.encode(), parameters)
    assert constraint == refused.value.constraint


@pytest.mark.parametrize(
    "setting",
    ["default_transaction_read_only = on", "statement_timeout = '1ms'"],
    ids=["read-only", "our own time-out"],
)
def test_what_the_server_is_to_blame_for_is_unavailable(database: Database, setting: str) -> None:
    with database.connection() as conn:
        conn.execute(f"SET {setting}".encode())
        pid = conn.info.backend_pid
    with pytest.raises(Unavailable), database.transaction() as conn:
        assert pid == conn.info.backend_pid
        conn.execute("CREATE TABLE anything AS SELECT pg_sleep(0.1)::text")


def test_a_schema_that_is_not_there_yet_is_no_fault_of_the_data(database: Database) -> None:
    with pytest.raises(Unavailable, match="42P01"), database.connection() as conn:
        conn.execute("SELECT FROM no_such_table")


def test_a_snapshot_stays_the_same_whatever_others_commit(bar: Bar, database: Database) -> None:
    def count(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
        return conn.execute("SELECT count(*) FROM users").fetchall()

    with database.snapshot() as conn:
        before = count(conn)
        with psycopg.connect(bar.database_url, autocommit=True) as other:
            other.execute(INSERT_USER, ["newcomer", "newcomer@example.com"])
            assert before != count(other)
        assert before == count(conn)
    with database.connection() as conn:
        assert before != count(conn)


def test_a_snapshot_is_for_reading(database: Database) -> None:
    with pytest.raises(Unavailable, match="read-only"), database.snapshot() as conn:
        conn.execute(INSERT_USER, ["newcomer", "newcomer@example.com"])


def test_what_a_report_is_granted_ends_with_it(database: Database) -> None:
    def granted(conn: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
        return conn.execute("SHOW statement_timeout").fetchall()

    with database.snapshot() as conn:
        prepare_report(conn)
        assert [("10s",)] == granted(conn)
    with database.connection() as conn:
        assert [("3s",)] == granted(conn)
