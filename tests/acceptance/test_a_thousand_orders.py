"""A thousand orders from eight clients over HTTP: exactly those are stored, each once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

CLIENTS = 8
ORDERS_PER_CLIENT = 125
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
