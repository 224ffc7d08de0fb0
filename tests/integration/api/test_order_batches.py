"""Many orders in one request: each with its own outcome, and each the same order as under its key by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import Services
from shakerqueue.queries import orders as order_queries
from shakerqueue.queries import recipes as recipe_queries
from shakerqueue.telemetry.metrics import ORDERS_ACCEPTED, AcceptedBy
from tests.integration.api.test_orders_bad_input import BAD_BODIES
from tests.support.application import persist_queued
from tests.support.bar import Bar
from tests.support.queries import counted
from tests.support.waiting import eventually

Headers = dict[str, str]
Order = dict[str, Any]


def keyed(order: Order, key: str = "") -> Order:
    return {"idempotency_key": key or uuid4().hex, **order}


def margaritas(count: int) -> list[Order]:
    return [keyed({"recipe": "Margarita", "external_id": f"check-{number}"}) for number in range(count)]


def send(client: FlaskClient, who: Headers, *orders: Any) -> TestResponse:
    return client.post("/orders/batch", json={"orders": orders}, headers=who)


def outcomes(answer: TestResponse) -> list[dict[str, Any]]:
    assert 200 == answer.status_code, answer.text
    found: list[dict[str, Any]] = answer.get_json()["orders"]
    return found


def ids(answer: TestResponse) -> list[str]:
    return [outcome["order"]["id"] for outcome in outcomes(answer)]


def told(answer: TestResponse) -> list[tuple[int, str | None]]:
    """Status, and code where there is one, of each order."""
    return [(outcome["status"], outcome.get("error", {}).get("code")) for outcome in outcomes(answer)]


def stored(bar: Bar) -> set[str]:
    return {str(row[0]) for row in bar.query("SELECT id FROM orders")}


def sell_out(client: FlaskClient, services: Services, bartender: Headers) -> None:
    recipe = services.menu.current.by_name["margarita"]
    assert 200 == client.patch(f"/recipes/{recipe.id}", json={"available": False}, headers=bartender).status_code
    eventually(lambda: not services.menu.current.by_name["margarita"].available)


def take_broker_away(services: Services) -> None:
    assert services.publisher is not None
    services.publisher.stop()


def test_a_hundred_orders_travel_in_one_message_and_are_answered_in_their_order(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    sent = margaritas(100)
    found = outcomes(send(client, bartender, *sent))

    assert [order["idempotency_key"] for order in sent] == [outcome["idempotency_key"] for outcome in found]
    assert {(202, "queued", False)} == {(one["status"], one["order"]["status"], one["replayed"]) for one in found}
    assert [{"number": 1, "recipe": "Margarita"}] == found[0]["order"]["items"]
    assert 1 == bar.queue_length(bar.topology.orders_queue)
    persist_queued(bar, services)
    by_age = bar.query("SELECT external_id, id::text FROM orders ORDER BY placed_at")
    assert [(order["external_id"], one["order"]["id"]) for order, one in zip(sent, found, strict=True)] == by_age


def test_each_accepted_order_is_counted(client: FlaskClient, bartender: Headers) -> None:
    counter = ORDERS_ACCEPTED.labels(AcceptedBy.BROKER)
    before = counter._value.get()
    send(client, bartender, *margaritas(7), keyed({"recipe": "Motor Oil"}))
    assert 7 == counter._value.get() - before


@pytest.mark.shares_bar
@pytest.mark.parametrize("body", [case[1] for case in BAD_BODIES[:-1]], ids=[case[0] for case in BAD_BODIES[:-1]])
def test_a_bad_order_fails_alone_as_it_would_by_itself(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services, body: Order
) -> None:
    persist_queued(bar, services)  # while the queue is not empty, nobody knows what a key stands for
    alone = client.post("/orders", json=body, headers=bartender).get_json()
    first, bad, last = outcomes(send(client, bartender, *margaritas(1), keyed(body), *margaritas(1)))

    assert [202, 202] == [first["status"], last["status"]]
    assert alone["status"] == bad["status"]
    assert without_id(alone) == without_id(bad["error"])


def without_id(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


@pytest.mark.shares_bar
@pytest.mark.parametrize("key", [None, 7, "", "x" * 256, "tab\there", "tisch-7-ü", " blank", "blank ", "line\n"])
def test_an_unusable_key_fails_its_order_alone(client: FlaskClient, bartender: Headers, key: Any) -> None:
    bad, good = outcomes(send(client, bartender, {"recipe": "Negroni", "idempotency_key": key}, *margaritas(1)))
    assert (422, "idempotency_key") == (bad["status"], bad["error"]["errors"][0]["field"])
    assert (key if isinstance(key, str) else None) == bad["idempotency_key"]
    assert 202 == good["status"]


@pytest.mark.shares_bar
def test_a_missing_key_is_told_beside_all_else_that_is_wrong(client: FlaskClient, bartender: Headers) -> None:
    [bad] = outcomes(send(client, bartender, {"recipe": "Negroni", "ticked": "T7"}))
    assert {"idempotency_key", "ticked"} == {error["field"] for error in bad["error"]["errors"]}


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "orders"),
        ({"orders": None}, "orders"),
        ({"orders": {"recipe": "Margarita"}}, "orders"),
        ({"orders": []}, "orders"),
        ({"orders": margaritas(101)}, "orders"),
        ({"orders": [*margaritas(1), "Margarita"]}, "orders.1"),
        ({"orders": margaritas(1), "ticket": "T7"}, "ticket"),
        (margaritas(1), ""),
    ],
    ids=["nothing", "null", "an object", "no order", "101", "a text", "a field of its own", "a bare list"],
)
def test_an_unusable_envelope_is_refused_as_a_whole(
    client: FlaskClient, bartender: Headers, bar: Bar, body: Any, field: str
) -> None:
    before = bar.queue_length(bar.topology.orders_queue)
    answer = client.post("/orders/batch", json=body, headers=bartender)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])
    assert before == bar.queue_length(bar.topology.orders_queue)


@pytest.mark.shares_bar
def test_one_key_for_the_whole_is_refused(client: FlaskClient, bartender: Headers) -> None:
    answer = send(client, {**bartender, "Idempotency-Key": "k"}, *margaritas(1))
    assert (422, "Idempotency-Key") == (answer.status_code, answer.get_json()["errors"][0]["field"])


SIZES = [(100_000, 200), (1024 * 1024, 200), (1024 * 1024 + 1, 413)]


def padded(size: int) -> bytes:
    return b'{"orders":[{"idempotency_key":"k","recipe":"Margarita"}]}'.ljust(size)


def post_bytes(client: FlaskClient, who: Headers, body: bytes, *, chunked: bool) -> TestResponse:
    json = {**who, "Content-Type": "application/json"}
    if not chunked:
        return client.post("/orders/batch", data=body, headers=json)
    return client.post(
        "/orders/batch",
        input_stream=BytesIO(body),
        headers={**json, "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


@pytest.mark.shares_bar
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize(("size", "status"), SIZES)
def test_a_batch_may_have_a_mebibyte(
    client: FlaskClient, bartender: Headers, size: int, status: int, *, chunked: bool
) -> None:
    assert status == post_bytes(client, bartender, padded(size), chunked=chunked).status_code


@pytest.mark.shares_bar
@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_whoever_may_not_hears_that_and_not_of_the_size(client: FlaskClient, guest: Headers, *, chunked: bool) -> None:
    body = padded(2 * 1024 * 1024)
    assert [401, 403] == [post_bytes(client, who, body, chunked=chunked).status_code for who in ({}, guest)]


@pytest.mark.parametrize("is_stored", [False, True], ids=["queued", "stored"])
def test_an_order_that_was_sent_by_itself_is_the_same_order_in_a_batch(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services, *, is_stored: bool
) -> None:
    """The answer was lost, the POS went offline, and now sends all that it has."""
    order = {"items": [{"recipe": "Margarita", "quantity": 2}], "ticket": "T7"}
    single = client.post("/orders", json=order, headers={**bartender, "Idempotency-Key": "check-77"}).get_json()["id"]
    if is_stored:
        persist_queued(bar, services)
    repeat, new = outcomes(send(client, bartender, keyed(order, "check-77"), *margaritas(1)))

    assert (202, single, is_stored) == (repeat["status"], repeat["order"]["id"], repeat["replayed"])
    assert ("pending" if is_stored else "queued") == repeat["order"]["status"]
    persist_queued(bar, services)
    assert {single, new["order"]["id"]} == stored(bar)


@pytest.mark.parametrize("is_stored", [False, True], ids=["queued", "stored"])
def test_an_order_of_a_batch_is_the_same_order_by_itself(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services, *, is_stored: bool
) -> None:
    order = {"recipe": "Negroni", "note": "orange"}
    [batched] = ids(send(client, bartender, keyed(order, "check-78")))
    if is_stored:
        persist_queued(bar, services)
    single = client.post("/orders", json=order, headers={**bartender, "Idempotency-Key": "check-78"})

    assert (202, batched) == (single.status_code, single.get_json()["id"])
    persist_queued(bar, services)
    assert {batched} == stored(bar)


def test_one_order_twice_in_a_batch_is_one_and_another_under_its_key_is_refused(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    margarita, again = {"recipe": "Margarita", "ticket": "T7"}, {"ticket": "T7", "recipe": "Margarita"}
    answer = send(client, bartender, keyed(margarita, "k"), keyed({"recipe": "Negroni"}, "k"), keyed(again, "k"))

    first, other, second = outcomes(answer)
    assert [(202, None), (422, "idempotency_conflict"), (202, None)] == told(answer)
    assert "idempotency_key" == other["error"]["errors"][0]["field"]
    assert first == second
    persist_queued(bar, services)
    assert {first["order"]["id"]} == stored(bar)


def test_a_refused_order_does_not_hold_its_key_and_one_that_is_taken_does(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    """As `POST /orders` would answer them one after the other."""
    unknown, negroni, sour = {"recipe": "Motor Oil"}, {"recipe": "Negroni"}, {"recipe": "Amaretto Sour"}
    answer = send(client, bartender, *[keyed(order, "k") for order in (unknown, negroni, sour, unknown, negroni)])

    conflict = (422, "idempotency_conflict")
    assert [(422, "unknown_recipe"), (202, None), conflict, (422, "unknown_recipe"), (202, None)] == told(answer)
    persist_queued(bar, services)
    assert {outcomes(answer)[1]["order"]["id"]} == stored(bar)
    assert [conflict, (202, None), conflict] == told(
        send(client, bartender, *[keyed(order, "k") for order in (unknown, negroni, sour)])
    )


def test_an_unknown_drink_under_the_key_of_a_good_order_ahead_is_a_conflict(
    client: FlaskClient, bartender: Headers
) -> None:
    answer = send(client, bartender, keyed({"recipe": "Negroni"}, "k"), keyed({"recipe": "Motor Oil"}, "k"))
    assert [(202, None), (422, "idempotency_conflict")] == told(answer)


def test_a_key_stands_for_what_is_stored_under_it_and_not_for_what_comes_first(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    [id] = ids(send(client, bartender, keyed({"recipe": "Negroni"}, "k")))
    persist_queued(bar, services)
    answer = send(client, bartender, keyed({"recipe": "Margarita"}, "k"), keyed({"recipe": "Negroni"}, "k"))

    assert [(422, "idempotency_conflict"), (202, None)] == told(answer)
    assert (id, True) == (outcomes(answer)[1]["order"]["id"], outcomes(answer)[1]["replayed"])
    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_a_repeated_batch_is_the_same_orders_for_one_look_up(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = margaritas(100)
    first = ids(send(client, bartender, *sent))
    persist_queued(bar, services)
    asked = counted(monkeypatch, order_queries, "list_orders_by_idempotency_keys")
    repeat = send(client, bartender, *sent)

    assert first == ids(repeat)
    assert {(202, True)} == {(outcome["status"], outcome["replayed"]) for outcome in outcomes(repeat)}
    assert [100] == [len(arguments["idempotency_keys"]) for arguments in asked]
    assert (0, set(first)) == (bar.queue_length(bar.topology.orders_queue), stored(bar))


def test_repeats_whose_drinks_cannot_be_read_in_time_are_told_in_brief(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    """What became of them is known; the new one is not held up."""
    before = margaritas(2)
    first = ids(send(client, bartender, *before))
    persist_queued(bar, services)
    with unreadable_drinks(bar):
        *repeats, new = outcomes(send(client, bartender, *before, *margaritas(1)))

    assert [{"id": id, "status": "pending"} for id in first] == [one["order"] for one in repeats]
    assert [(202, True), (202, True), (202, False)] == [(one["status"], one["replayed"]) for one in [*repeats, new]]


def test_a_repeat_by_itself_is_told_in_brief_as_well(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    keyed = {**bartender, "Idempotency-Key": "check-79"}
    first = client.post("/orders", json={"recipe": "Negroni"}, headers=keyed).get_json()
    persist_queued(bar, services)
    with unreadable_drinks(bar):
        repeat = client.post("/orders", json={"recipe": "Negroni"}, headers=keyed)

    assert (202, "true") == (repeat.status_code, repeat.headers["Idempotent-Replayed"])
    assert {"id": first["id"], "status": "pending"} == repeat.get_json()


@contextmanager
def unreadable_drinks(bar: Bar) -> Iterator[None]:
    """A migration that takes its time, say."""
    with psycopg.connect(bar.settings.database_url) as conn:
        conn.execute("LOCK TABLE order_items IN ACCESS EXCLUSIVE MODE")
        yield
        conn.rollback()


def test_a_repeat_is_not_refused_though_the_drink_was_sold_out_meanwhile(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    """While its order is queued nobody knows, and says so; the others are not held up by it."""
    before, after, negroni = margaritas(1)[0], margaritas(1)[0], keyed({"recipe": "Negroni"})
    [id] = ids(send(client, bartender, before))
    sell_out(client, services, bartender)

    assert [(503, "unavailable"), (503, "unavailable"), (202, None)] == told(
        send(client, bartender, before, after, negroni)
    )
    persist_queued(bar, services)
    answer = send(client, bartender, before, after, negroni)
    assert [(202, None), (409, "sold_out"), (202, None)] == told(answer)
    assert id == outcomes(answer)[0]["order"]["id"]


def test_while_the_bar_is_closed_a_pos_hears_so_of_each_new_order(
    client: FlaskClient, pos: Headers, bartender: Headers, bar: Bar, services: Services
) -> None:
    before = margaritas(1)[0]
    [id] = ids(send(client, pos, before))
    persist_queued(bar, services)
    closed = client.patch("/bar", json={"accepting": False, "reason": "flood"}, headers=bartender)
    assert 200 == closed.status_code

    answer = send(client, pos, *margaritas(2), before)
    assert [(409, "bar_closed"), (409, "bar_closed"), (202, None)] == told(answer)
    assert ("flood", id) == (outcomes(answer)[0]["error"]["reason"], outcomes(answer)[2]["order"]["id"])


def test_refusals_are_made_certain_once_for_the_whole_batch(
    client: FlaskClient, bartender: Headers, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order in a consumer's hands would show within this time, and each refusal waits for the same one."""
    sell_out(client, services, bartender)
    monkeypatch.setattr("shakerqueue.api.idempotency.SETTLE_SECONDS", 0.0)
    asked = counted(monkeypatch, order_queries, "list_orders_by_idempotency_keys")
    assert [(409, "sold_out")] * 50 == told(send(client, bartender, *margaritas(50)))
    assert [50, 50] == [len(arguments["idempotency_keys"]) for arguments in asked]


def test_names_that_the_menu_lacks_are_looked_up_together(
    client: FlaskClient, bartender: Headers, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar.change("INSERT INTO recipes (name, build, ingredients) VALUES ('Brand New', 'sour', '[]')")
    asked = counted(monkeypatch, recipe_queries, "list_recipes_by_names")
    named = ["brand new", "Motor Oil", "Brand New", "Motor Oil", "Margarita"]
    answer = send(client, bartender, *[keyed({"recipe": name}) for name in named])

    assert [202, 422, 202, 422, 202] == [status for status, _ in told(answer)]
    assert {"brand new", "Brand New", "Motor Oil"} >= {name for one in asked for name in one["names"]}
    assert 1 == len(asked)


def test_without_the_broker_the_orders_are_stored_and_one_that_cannot_be_fails_alone(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    bar.change("ALTER TABLE orders ADD CONSTRAINT no_curse CHECK (note <> 'curse')")
    take_broker_away(services)
    sent = [*margaritas(20), keyed({"recipe": "Margarita", "note": "curse"}), *margaritas(20)]
    answer = send(client, bartender, *sent)

    assert [*[(202, None)] * 20, (422, "invalid"), *[(202, None)] * 20] == told(answer)
    assert {one["order"]["id"] for one in outcomes(answer) if one["status"] == 202} == stored(bar)


def test_without_the_database_the_orders_are_queued_and_what_nobody_can_know_is_said(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    services.database.stop()
    answer = send(client, bartender, *margaritas(2), keyed({"recipe": "Motor Oil"}), keyed({"recipe": "Negroni"}))
    assert [(202, None), (202, None), (503, "unavailable"), (202, None)] == told(answer)
    assert 1 == bar.queue_length(bar.topology.orders_queue)


def test_without_both_whoever_sends_is_told_when_to_come_back(
    client: FlaskClient, bartender: Headers, services: Services
) -> None:
    take_broker_away(services)
    services.database.stop()
    answer = send(client, bartender, *margaritas(3))
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])


def test_without_both_what_is_known_is_said_all_the_same(
    client: FlaskClient, bartender: Headers, services: Services
) -> None:
    take_broker_away(services)
    services.database.stop()
    answer = send(client, bartender, *margaritas(1), keyed({"recipe": ""}), *margaritas(1))
    assert [(503, "unavailable"), (422, "invalid"), (503, "unavailable")] == told(answer)


def test_a_batch_that_was_taken_in_part_is_repeated_as_a_whole(
    client: FlaskClient, bartender: Headers, bar: Bar, services: Services
) -> None:
    bar.change("ALTER TABLE orders ADD CONSTRAINT no_curse CHECK (note <> 'curse')")
    take_broker_away(services)
    sent = [*margaritas(2), keyed({"recipe": "Margarita", "note": "curse"})]
    first = outcomes(send(client, bartender, *sent))
    bar.change("ALTER TABLE orders DROP CONSTRAINT no_curse")
    second = outcomes(send(client, bartender, *sent))

    assert [(202, False), (202, False), (422, None)] == [(one["status"], one.get("replayed")) for one in first]
    assert [(202, True), (202, True), (202, False)] == [(one["status"], one["replayed"]) for one in second]
    assert {one["order"]["id"] for one in second} == stored(bar)
