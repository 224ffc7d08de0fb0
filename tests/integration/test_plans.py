"""Plans in a bar with a history: orders, drinks and events are not read as a whole, but by the few rows that matter."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bench import history
from shakerqueue.queries import cancellations, open_drinks, order_events, order_items, orders, ready_drinks, webhooks
from tests.integration.test_queries import QUERIES
from tests.support.bar import Bar
from tests.support.plans import PLANS, connect_as_the_product, explain, explain_for_any_arguments

PAST_ORDERS = 20_000
LARGE = ("orders", "order_items", "order_events")
COMMENTS = re.compile(r"^--.*$", re.MULTILINE)
READS_LARGE = re.compile(
    r"\b(FROM|JOIN|UPDATE|INTO) (orders|order_items|order_events|drinks|open_drinks|told_events)\b"
)
ON_LARGE = {name: text for name, text in QUERIES.items() if READS_LARGE.search(COMMENTS.sub("", text))}

# What runs all night, with what it is asked for.
ASKED = {
    "a claim": (order_items.LOCK_NEXT_CLAIMABLE, "(now(), NULL)"),
    "a claim at a station": (order_items.LOCK_NEXT_CLAIMABLE, "(now(), 'well')"),
    "a claim of one recipe": (order_items.LOCK_CLAIMABLE_OF_RECIPE, "(now(), '{recipe}', 'well', '{order}', 1, 5)"),
    "what was claimed": (open_drinks.LIST_OPEN_DRINKS_OF_ORDERS, "('{{{order}}}')"),
    "the queue": (open_drinks.LIST_OPEN_DRINKS, "(NULL, 500)"),
    "the queue's counts": (open_drinks.COUNT_OPEN_DRINKS_BY_RECIPE, "(NULL)"),
    "the queue's cancellations": (cancellations.LIST_UNSEEN_CANCELLATIONS, "(NULL, 200)"),
    "what is ready": (ready_drinks.LIST_READY_DRINKS, "(now() - interval '1 hour', NULL, 200)"),
    "places in line": (open_drinks.LIST_PLACES_IN_LINE, "('{{{order}}}', now())"),
    "page 1": (orders.LIST_ORDERS, "('infinity', '{order}', NULL, NULL, NULL, NULL, 51)"),
    "a later page": (orders.LIST_ORDERS, "('{placed_at}', '{order}', NULL, NULL, NULL, NULL, 51)"),
    "orders since a moment": (orders.LIST_ORDERS, "('infinity', '{order}', NULL, NULL, now(), NULL, 51)"),
    "a guest's page 1": (
        orders.LIST_ORDERS_OF_PRINCIPAL,
        "('{guest}', 'infinity', '{order}', NULL, NULL, NULL, NULL, 51)",
    ),
    "a guest's last page": (
        orders.LIST_ORDERS_OF_PRINCIPAL,
        "('{guest}', '-infinity', '{order}', NULL, NULL, NULL, NULL, 51)",
    ),
    "an external id": (
        orders.LIST_ORDERS_BY_EXTERNAL_ID,
        "('none', NULL, 'infinity', '{order}', NULL, NULL, NULL, NULL, 51)",
    ),
    "an order": (orders.GET_ORDER, "('{order}')"),
    "the drinks of a page": (order_items.LIST_ITEMS_OF_ORDERS, "('{{{fifty}}}')"),
    "keys": (orders.LIST_ORDERS_BY_IDEMPOTENCY_KEYS, "('{{{guest}, {guest}, {guest}}}', '{{a, b, c}}')"),
    "ids": (orders.LIST_EXISTING_ORDER_IDS, "('{{{fifty}}}')"),
    "events": (order_events.LIST_EVENTS_AFTER, "({event}, 1000)"),
    "a guest's events": (order_events.LIST_EVENTS_OF_PRINCIPAL_AFTER, "('{guest}', {event}, 500)"),
    "events to tell": (webhooks.LIST_TOLD_EVENTS_AFTER, "({event}, 100)"),
    "a guest's events to tell": (webhooks.LIST_TOLD_EVENTS_OF_PRINCIPAL_AFTER, "('{guest}', {event}, 100)"),
}
MAX_READ = 1_000  # rows of each table, by any of these; 260 drinks are waiting


@pytest.fixture(scope="module")
def old_bar(shared_bar: Bar) -> Bar:
    """A bar with two hundred thousand events."""
    with psycopg.connect(shared_bar.database_url, autocommit=True) as conn:
        history.fill(conn, PAST_ORDERS)
    return shared_bar


@pytest.fixture
def conn(old_bar: Bar) -> Iterator[psycopg.Connection[Any]]:
    with connect_as_the_product(old_bar.database_url) as conn:
        yield conn


@pytest.fixture
def known(conn: psycopg.Connection[Any]) -> dict[str, object]:
    """What the arguments name. The guest has a quarter of all orders, the last of which is the one from the middle."""
    [(order, placed_at, guest)] = conn.execute(
        "SELECT id, placed_at, principal_id FROM orders"
        " WHERE principal_id = (SELECT mode() WITHIN GROUP (ORDER BY principal_id) FROM orders)"
        " ORDER BY placed_at DESC LIMIT 1"
    )
    [(event,)] = conn.execute("SELECT max(id) FROM order_events WHERE principal_id = %s", [guest])
    [(fifty,)] = conn.execute("SELECT string_agg(id::text, ',') FROM (SELECT id FROM orders LIMIT 50) AS listed")
    [(recipe,)] = conn.execute("SELECT id FROM recipes WHERE name = 'Margarita'")
    return {"order": order, "placed_at": placed_at, "guest": guest, "event": event, "fifty": fifty, "recipe": recipe}


def read_as_a_whole(nodes: list[dict[str, Any]]) -> set[str]:
    return {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"} & set(LARGE)


def rows_read(nodes: list[dict[str, Any]]) -> dict[str, int]:
    """By table, of those that grow: how many rows the plan has looked at."""
    read = dict.fromkeys(LARGE, 0)
    for node in nodes:
        if (table := node.get("Relation Name")) in read:
            rows = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
            read[table] += int(rows * node["Actual Loops"])
    return read


@pytest.mark.shares_bar
@pytest.mark.parametrize("query", ON_LARGE.values(), ids=ON_LARGE)
def test_planned_for_any_arguments_no_query_reads_a_table_that_grows_as_a_whole(
    conn: psycopg.Connection[Any], query: str
) -> None:
    assert set() == read_as_a_whole(explain_for_any_arguments(conn, query))


@pytest.mark.shares_bar
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("query", "arguments"), ASKED.values(), ids=ASKED)
def test_what_is_asked_all_night_reads_few_rows(
    conn: psycopg.Connection[Any], known: dict[str, object], query: str, arguments: str, plan: str
) -> None:
    nodes = explain(conn, query, arguments.format(**known), plan, "ANALYZE")
    assert set() == read_as_a_whole(nodes)
    assert max(rows_read(nodes).values()) <= MAX_READ, rows_read(nodes)
