"""Every generated query, prepared by a real server: sqlc does not look up all names, PostgreSQL does."""

import pkgutil
from importlib import import_module
from uuid import UUID

import psycopg
import pytest
from psycopg.pq import ExecStatus

from shakerqueue import queries
from shakerqueue.queries import cancellations, open_drinks, order_items, orders, ready_drinks
from tests.support.bar import Bar
from tests.support.plans import PLANS, connect_as_the_product, explain

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


@pytest.fixture
def long_night(bar: Bar) -> Bar:
    """Six thousand drinks: sixty are open, sixty canceled and unseen, sixty ready, the others made long ago.

    Nobody ever marks what was served, so all that was made is in the index of what is ready.
    """
    bar.change(
        "INSERT INTO orders (id, principal_id, idempotency_key, fingerprint, placed_at, rush, pending_count,"
        " complete_count, canceled_count)"
        " SELECT gen_random_uuid(), u.id, n, sha256(n::text::bytea), now(), false, 1, 98, 1"
        " FROM generate_series(1, 60) AS n, users AS u WHERE u.username = 'user'"
    )
    bar.change(
        "INSERT INTO order_items (order_id, number, recipe_id, recipe, station, status, prep_seconds, due_at,"
        " completed_at, canceled_at, cancellation_unseen)"
        " SELECT o.id, n, r.id, r.name, r.station,"
        "  CASE n WHEN 1 THEN 'pending' WHEN 2 THEN 'canceled' ELSE 'complete' END::item_status, 60, now(),"
        "  CASE WHEN n > 3 THEN now() - interval '1 day' * n WHEN n = 3 THEN now() END,"
        "  CASE WHEN n = 2 THEN now() END, n = 2"
        " FROM orders AS o, generate_series(1, 100) AS n, recipes AS r WHERE r.name = 'Margarita'"
    )
    bar.change("ANALYZE")
    return bar


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    ("query", "arguments", "index"),
    [
        (open_drinks.LIST_OPEN_DRINKS, "(NULL, 500)", "order_items_open_idx"),
        (open_drinks.COUNT_OPEN_DRINKS_BY_RECIPE, "(NULL)", "order_items_open_idx"),
        (cancellations.LIST_UNSEEN_CANCELLATIONS, "(NULL, 200)", "order_items_unseen_idx"),
        (ready_drinks.LIST_READY_DRINKS, "(now() - interval '1 hour', NULL, 200)", "order_items_ready_idx"),
        (order_items.LOCK_PENDING_OF_RECIPE, f"('{UUID(int=1)}', 200)", "order_items_open_idx"),
        (order_items.COUNT_PENDING_OF_RECIPE, f"('{UUID(int=1)}')", "order_items_open_idx"),
    ],
)
def test_the_board_is_read_without_a_look_at_what_is_over(
    long_night: Bar, query: str, arguments: str, index: str, plan: str
) -> None:
    with connect_as_the_product(long_night.database_url) as conn:
        plan_nodes = explain(conn, query, arguments, plan)
    assert {index} == {name for node in plan_nodes if (name := node.get("Index Name", "")).startswith("order_items_")}
    assert ("Seq Scan", "order_items") not in [(node["Node Type"], node.get("Relation Name")) for node in plan_nodes]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("station", "at_most", "read"), [("NULL", 200, 60), ("NULL", 20, 20), ("'terrace'", 200, 60)])
def test_what_is_ready_is_read_no_further_back_than_it_goes(
    long_night: Bar, plan: str, station: str, at_most: int, read: int
) -> None:
    """However much was made before and never marked as served: it reads what it shows, or the last hour at the most."""
    arguments = f"(now() - interval '1 hour', {station}, {at_most})"
    with connect_as_the_product(long_night.database_url) as conn:
        plan_nodes = explain(conn, ready_drinks.LIST_READY_DRINKS, arguments, plan, "ANALYZE")
    [scan] = [node for node in plan_nodes if node.get("Relation Name") == "order_items"]
    assert read == scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)


@pytest.fixture
def old_customer(bar: Bar) -> Bar:
    """A POS that has sent twenty thousand orders."""
    bar.change(
        "INSERT INTO orders (id, principal_id, idempotency_key, fingerprint, placed_at, rush, complete_count,"
        " pending_count)"
        " SELECT gen_random_uuid(), u.id, n, sha256(n::text::bytea), now(), false, 1, 0"
        " FROM generate_series(1, 20000) AS n, users AS u WHERE u.username = 'user'"
    )
    bar.change("ANALYZE")
    return bar


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("keys", [1, 100])
def test_keys_are_looked_up_without_a_look_at_other_orders(old_customer: Bar, plan: str, keys: int) -> None:
    [(pos,)] = old_customer.query("SELECT DISTINCT principal_id FROM orders")
    principal_ids, texts = ",".join([str(pos)] * keys), ",".join(map(str, range(1, keys + 1)))
    arguments = f"('{{{principal_ids}}}', '{{{texts}}}')"
    with connect_as_the_product(old_customer.database_url) as conn:
        plan_nodes = explain(conn, orders.LIST_ORDERS_BY_IDEMPOTENCY_KEYS, arguments, plan, "ANALYZE")
    [index] = [node for node in plan_nodes if "Index Name" in node]
    assert "orders_idempotency_key_key" == index["Index Name"]
    assert keys == index["Actual Rows"] * index["Actual Loops"]
    assert {0} == {node.get("Rows Removed by Filter", 0) for node in plan_nodes}
