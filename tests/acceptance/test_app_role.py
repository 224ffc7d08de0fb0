"""docs/operations/app-role.sql: a role that may do what our queries do, and little else."""

import dataclasses
import subprocess
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from dev.postgres import PrivatePostgres
from tests.integration.test_queries import QUERIES
from tests.support.bar import Bar
from tests.support.tours import REPOSITORY, run_tour
from tests.support.waiting import eventually

ROLE = PASSWORD = "shakerqueue_app"
SCRIPT = REPOSITORY / "docs/operations/app-role.sql"
MAKE_ROLE = f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'"


@pytest.fixture
def limited_bar(postgres: PrivatePostgres, bar: Bar) -> Bar:
    """The test's bar, its processes under the role of the script."""
    with psycopg.connect(postgres.admin_url, autocommit=True) as conn:
        if not conn.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
            conn.execute(MAKE_ROLE.encode())
    psql = [str(postgres.program("psql")), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    for _ in range(2):  # it is run after each migration
        subprocess.run([*psql, f"--file={SCRIPT}", f"--dbname={bar.database_url}"], check=True)
    url = urlsplit(bar.database_url)
    limited = url._replace(netloc=f"{ROLE}:{PASSWORD}@{url.hostname}:{url.port}").geturl()
    return dataclasses.replace(bar, database_url=limited)


def test_the_role_may_run_every_query(limited_bar: Bar) -> None:
    """PostgreSQL looks at privileges where a plan is begun, so explaining is enough."""
    refused = {}
    with psycopg.connect(limited_bar.database_url, autocommit=True, cursor_factory=psycopg.RawCursor) as conn:
        for name, text in QUERIES.items():
            lock = "LOCK TABLE" in text  # has no plan
            try:
                with conn.transaction(force_rollback=True):
                    conn.execute(text.encode() if lock else b"EXPLAIN (GENERIC_PLAN) " + text.encode())
            except InsufficientPrivilege as error:
                refused[name] = str(error)
    assert {} == refused


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM order_id_secret",
        "UPDATE order_id_secret SET secret = secret",
        "DELETE FROM orders",
        "DELETE FROM order_items",
        "DELETE FROM order_events",
        "UPDATE order_events SET detail = '{}'",
        "DELETE FROM users",
        "TRUNCATE sessions",
        "SELECT FROM _yoyo_migration",
        "CREATE TABLE mine ()",
        "ALTER TABLE users DISABLE TRIGGER ALL",
        "SELECT setval(pg_get_serial_sequence('order_events', 'id'), 1)",
    ],
)
@pytest.mark.shares_bar
def test_the_role_may_not(limited_bar: Bar, statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        limited_bar.change(statement)


def test_the_product_runs_under_the_role(limited_bar: Bar, curl: None) -> None:
    with limited_bar.api() as client, limited_bar.process("consume"), limited_bar.process("webhooks"):
        eventually(lambda: "ready" == client.get("/readyz").json()["status"], deadline_seconds=30)
        assert "pending" == run_tour("README.md", client)[0]
        eventually(lambda: b"webhooks_dispatching" in (limited_bar.folder / "webhooks.log").read_bytes())
    for log in ("serve", "consume", "webhooks"):
        assert b"permission denied" not in (limited_bar.folder / f"{log}.log").read_bytes()
