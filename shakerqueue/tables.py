"""The bar's tables, and the links on them."""

import re
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.errors import NotFound
from shakerqueue.queries import sessions, tables
from shakerqueue.queries.models import Table


def in_order(found: Iterable[Table]) -> list[Table]:
    """By label as people count: 2 before 10, Terrace 2 before Terrace 10."""
    return sorted(found, key=lambda table: _natural_key(table.label))


def add_tables(conn: Connection[Any], labels: Iterable[str]) -> list[Table]:
    """The tables of these labels; those that are missing are made. In a transaction."""
    # Sorted, so that two who add the same tables at once wait for each other in one order.
    wanted = sorted(labels, key=str.lower)
    tables.insert_tables_once(conn, labels=wanted)
    return tables.list_tables_by_label(conn, labels=wanted)


def revoke_link(conn: Connection[Any], table_id: UUID) -> Table:
    """The table with a new link; whoever came by an older one is out. In a transaction.

    Raises:
        NotFound: there is no such table.
    """
    table = tables.renew_table_link(conn, id=table_id)
    if table is None:
        raise NotFound("There is no such table.")
    sessions.revoke_sessions_of_table(conn, table_id=table_id)
    return table


def archive_table(conn: Connection[Any], table_id: UUID) -> None:
    """Take a table away for ever; its guests are out, and its label is free again. In a transaction.

    Raises:
        NotFound: there is no such table.
    """
    if not tables.archive_table(conn, id=table_id):
        raise NotFound("There is no such table.")
    sessions.revoke_sessions_of_table(conn, table_id=table_id)


def _natural_key(label: str) -> list[tuple[bool, int, str]]:
    """Its runs of digits as numbers, which come before text."""
    parts = re.findall(r"\d+|\D+", label.lower())
    return [(False, int(part), "") if part.isdecimal() else (True, 0, part) for part in parts]
