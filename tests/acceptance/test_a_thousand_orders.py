"""Many orders over HTTP: exactly those are stored, each once, and the last at no more cost than the first."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

CLIENTS = 8
ORDERS_PER_CLIENT = 125
TABLES = "orders, order_items, order_events"
LAST_EVENT = "SELECT max(id) FROM order_events"
# As the sessions wrote them when they ended.
STATISTICS = "SELECT n_tup_ins, seq_tup_read < 3 * n_tup_ins FROM pg_stat_user_tables WHERE relname = 'orders'"
MENU = ("Margarita", "Negroni", "Mojito", "Old Fashioned", "Espresso Martini")


def place_orders(base_url: httpx.URL, headers: dict[str, str], client_number: int) -> dict[str, tuple[str, int]]:
    """Place one client's orders; answers id → recipe and number of drinks, as they were accepted."""
    accepted = {}
    with httpx.Client(base_url=base_url, headers=headers, timeout=10) as client:
        for count in range(ORDERS_PER_CLIENT):
            recipe, drinks = MENU[(client_number + count) % len(MENU)], 1 + count % 3
            answer = client.post("/orders", json={"items": [{"recipe": recipe, "quantity": drinks}]})
            assert 202 == answer.status_code, answer.text
            accepted[answer.json()["id"]] = (recipe, drinks)
    return accepted


def test_a_thousand_orders_are_stored_each_once(bar: Bar) -> None:
    with bar.api() as api, bar.process("consume"):
        headers = sign_in(api)
        with ThreadPoolExecutor(CLIENTS) as clients:
            rounds = clients.map(lambda number: place_orders(api.base_url, headers, number), range(CLIENTS))
            accepted = {id: order for one in rounds for id, order in one.items()}
        assert CLIENTS * ORDERS_PER_CLIENT == len(accepted)
        eventually(lambda: len(accepted) == bar.query("SELECT count(*) FROM orders")[0][0], deadline_seconds=30)

    stored = bar.query("SELECT order_id::text, recipe, count(*)::int FROM order_items GROUP BY order_id, recipe")
    assert accepted == {id: (recipe, drinks) for id, recipe, drinks in stored}
    events = Counter(id for (id,) in bar.query("SELECT order_id::text FROM order_events WHERE type = 'placed'"))
    assert dict.fromkeys(accepted, 1) == events
    assert 0 == bar.queue_length(bar.topology.orders_queue)
    assert 0 == bar.queue_length(bar.topology.dead_queue)


def place_batch(api: httpx.Client, headers: dict[str, str], orders: int) -> None:
    """So many at once, at most a hundred."""
    batch = [{"idempotency_key": uuid4().hex, "recipe": MENU[0]} for _ in range(orders)]
    assert 200 == api.post("/orders/batch", json={"orders": batch}, headers=headers).status_code


def test_a_backlog_at_a_bar_that_was_empty_is_stored_by_index(bar: Bar) -> None:
    """Analyzed when they were empty, the tables look as if they could as well be read as a whole, for each order.

    PostgreSQL settles for a plan at the sixth time, so the first ten orders come before the others.
    """
    bar.change(f"ANALYZE {TABLES}")
    with bar.api() as api:
        headers = sign_in(api, "bartender@example.com")
        with bar.process("consume"):
            place_batch(api, headers, 10)
            eventually(lambda: [(10,)] == bar.query(LAST_EVENT))
            for _ in range(3):
                place_batch(api, headers, 100)
            eventually(lambda: [(310,)] == bar.query(LAST_EVENT))
    # The API reads a table that is so small, once for the keys of each batch.
    assert [(310, True)] == bar.query(STATISTICS)
