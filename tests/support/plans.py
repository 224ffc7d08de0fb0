"""How PostgreSQL goes about a generated query."""

from collections.abc import Iterator
from typing import Any

import psycopg

from shakerqueue.database import connection_arguments

PLANS = ("force_custom_plan", "force_generic_plan")


def connect_as_the_product(database_url: str) -> psycopg.Connection[Any]:
    """With the settings that the product asks for: some of them decide about plans."""
    return psycopg.connect(database_url, **connection_arguments("tests"))


def explain(
    conn: psycopg.Connection[Any], query: str, arguments: str, plan: str, *options: str
) -> list[dict[str, Any]]:
    """The nodes of the plan that the server makes, and with ANALYZE also runs, of a prepared query.

    `arguments` are SQL in brackets, `plan` is one of PLANS.
    """
    conn.execute(f"SET plan_cache_mode = {plan}".encode())
    conn.execute(f"PREPARE asked AS {query}".encode())
    how = ", ".join(["FORMAT JSON", *options])
    [(explained,)] = conn.execute(f"EXPLAIN ({how}) EXECUTE asked{arguments}".encode()).fetchall()
    return list(_nodes(explained[0]["Plan"]))


def explain_for_any_arguments(conn: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    """The nodes of the plan that the server makes of a query without a look at its arguments."""
    [(explained,)] = conn.execute(f"EXPLAIN (FORMAT JSON, GENERIC_PLAN) {query}".encode()).fetchall()
    return list(_nodes(explained[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
