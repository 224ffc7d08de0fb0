"""Every generated query, prepared by a real server: sqlc does not look up all names, PostgreSQL does."""

import pkgutil
from importlib import import_module

import psycopg
from psycopg.pq import ExecStatus

from shakerqueue import queries
from tests.support.bar import Bar

MODULES = [import_module(f"shakerqueue.queries.{module.name}") for module in pkgutil.iter_modules(queries.__path__)]
QUERIES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in MODULES
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str) and text.startswith("-- name:")
}


def test_every_query_is_one_that_the_schema_can_answer(bar: Bar) -> None:
    assert len(QUERIES) > 20
    refused = {}
    with psycopg.connect(bar.database_url, autocommit=True) as conn:
        for name, text in QUERIES.items():
            result = conn.pgconn.prepare(name.encode(), text.encode())
            if result.status != ExecStatus.COMMAND_OK:
                refused[name] = result.error_message.decode()
    assert {} == refused
