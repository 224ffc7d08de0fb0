"""What can happen to a test's database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from dev.postgres import PrivatePostgres
from tests.support.bar import Bar


@contextmanager
def closed_to_all(bar: Bar, postgres: PrivatePostgres) -> Iterator[None]:
    """Nobody is connected to the bar's database, and nobody gets in."""
    name = bar.database_url.rpartition("/")[2]
    allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
    with psycopg.connect(postgres.admin_url, autocommit=True) as conn:
        conn.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            conn.execute(allow.format(sql.Identifier(name), sql.SQL("true")))
