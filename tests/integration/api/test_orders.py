"""Placing and reading orders over HTTP, with the real broker and database behind."""

from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced, unpack
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]


def queued(bar: Bar) -> list[OrderPlaced]:
    """The orders that are in the queue, which is empty afterwards."""
    connection, channel = bar.open_channel()
    found: list[OrderPlaced] = []
    with connection:
        while (message := channel.basic_get(bar.topology.orders_queue, auto_ack=True))[0]:
            found += unpack(message[2])
    return found


def persist(services: Services, orders: list[OrderPlaced]) -> None:
    with services.database.transaction() as conn:
        insert_orders(conn, orders)


def test_the_readmes_order_is_queued(client: FlaskClient, guest: Headers, bar: Bar) -> None:
    answer = client.post("/orders", json={"recipe": "Margarita"}, headers=guest)

    assert (202, "queued") == (answer.status_code, answer.get_json()["status"])
    assert [{"number": 1, "recipe": "Margarita"}] == answer.get_json()["items"]
    assert f"/orders/{answer.get_json()['id']}" == answer.headers["Location"]
    [order] = queued(bar)
    assert (answer.get_json()["id"], "Margarita") == (str(order.id), order.items[0].recipe)


def test_lines_become_one_item_per_drink(client: FlaskClient, guest: Headers, bar: Bar) -> None:
    body = {
        "items": [
            {"recipe": "margarita", "quantity": 2, "note": "no salt", "modifiers": ["frozen"]},
            {"recipe": "Piña Colada"},
        ],
        "ticket": "T7",
        "external_id": "check-1",
        "note": "birthday 🎂",
    }
    answer = client.post("/orders", json=body, headers=guest)

    assert 202 == answer.status_code
    assert ["Margarita", "Margarita", "Piña Colada"] == [item["recipe"] for item in answer.get_json()["items"]]
    [order] = queued(bar)
    assert ("T7", "check-1", "birthday 🎂") == (order.ticket, order.external_id, order.note)
    lines = [(item.quantity, item.note, item.modifiers) for item in order.items]
    assert [(2, "no salt", ("frozen",)), (1, None, ())] == lines


def test_an_accepted_order_reads_as_queued_and_then_as_stored(
    client: FlaskClient, guest: Headers, bar: Bar, services: Services
) -> None:
    where = client.post("/orders", json={"recipe": "Margarita"}, headers=guest).headers["Location"]
    assert "queued" == client.get(where, headers=guest).get_json()["status"]

    persist(services, queued(bar))

    order = client.get(where, headers=guest).get_json()
    assert ("pending", ["pending"]) == (order["status"], [item["status"] for item in order["items"]])
    assert order["placed_at"] < order["items"][0]["due_at"]


def test_an_order_is_there_for_its_owner_and_the_staff_only(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, services: Services
) -> None:
    where = client.post("/orders", json={"recipe": "Margarita"}, headers=bartender).headers["Location"]
    assert [200, 404] == [client.get(where, headers=who).status_code for who in (bartender, guest)]

    persist(services, queued(bar))
    assert [200, 404] == [client.get(where, headers=who).status_code for who in (bartender, guest)]

    guests = client.post("/orders", json={"recipe": "Margarita"}, headers=guest).headers["Location"]
    persist(services, queued(bar))
    assert [200, 200] == [client.get(guests, headers=who).status_code for who in (bartender, guest)]


@pytest.mark.shares_bar
def test_an_invented_order_is_not_found(client: FlaskClient, guest: Headers) -> None:
    assert 404 == client.get(f"/orders/{uuid4()}", headers=guest).status_code


def test_a_repeat_under_a_key_is_the_same_order_before_and_after_it_is_stored(
    client: FlaskClient, guest: Headers, bar: Bar, services: Services
) -> None:
    keyed = {**guest, "Idempotency-Key": "check-77/1"}
    first = client.post("/orders", json={"recipe": "Margarita", "note": "x"}, headers=keyed)
    second = client.post("/orders", json={"note": "x", "recipe": "Margarita"}, headers=keyed)
    persist(services, queued(bar))
    third = client.post("/orders", json={"recipe": "Margarita", "note": "x"}, headers=keyed)

    assert [202, 202, 202] == [answer.status_code for answer in (first, second, third)]
    assert 1 == len({answer.get_json()["id"] for answer in (first, second, third)})
    assert ("true", "pending") == (third.headers["Idempotent-Replayed"], third.get_json()["status"])
    assert [(1,)] == bar.query("SELECT count(*) FROM orders")
    assert [] == queued(bar)


def test_a_repeat_is_answered_before_any_refusal_by_the_menu(
    client: FlaskClient, guest: Headers, bar: Bar, services: Services
) -> None:
    keyed = {**guest, "Idempotency-Key": "k"}
    client.post("/orders", json={"recipe": "Margarita"}, headers=keyed)
    persist(services, queued(bar))
    set_menu(bar, services, "available = false")

    assert 202 == client.post("/orders", json={"recipe": "Margarita"}, headers=keyed).status_code


def test_a_key_that_stands_for_another_order_is_refused(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, services: Services
) -> None:
    key = {"Idempotency-Key": "k"}
    client.post("/orders", json={"recipe": "Margarita"}, headers={**guest, **key})
    persist(services, queued(bar))

    answer = client.post("/orders", json={"recipe": "Negroni"}, headers={**guest, **key})
    assert (422, "idempotency_conflict") == (answer.status_code, answer.get_json()["code"])
    assert 202 == client.post("/orders", json={"recipe": "Negroni"}, headers={**bartender, **key}).status_code


@pytest.mark.shares_bar
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "tisch-7-ü", " blank"])
def test_an_unusable_key_is_refused(client: FlaskClient, guest: Headers, key: str) -> None:
    answer = client.post("/orders", json={"recipe": "Margarita"}, headers={**guest, "Idempotency-Key": key})
    assert (422, "Idempotency-Key") == (answer.status_code, answer.get_json()["errors"][0]["field"])


def set_menu(bar: Bar, services: Services, change: str) -> None:
    before = services.menu.current
    with psycopg.connect(bar.database_url) as conn:
        conn.execute(f"UPDATE recipes SET {change} WHERE name = 'Margarita'".encode())
    eventually(lambda: services.menu.current is not before)


@pytest.mark.parametrize("change", ["available = false", "remaining = 0"])
def test_what_is_sold_out_is_refused_by_name(
    client: FlaskClient, guest: Headers, bar: Bar, services: Services, change: str
) -> None:
    set_menu(bar, services, change)
    answer = client.post("/orders", json={"items": [{"recipe": "Negroni"}, {"recipe": "Margarita"}]}, headers=guest)
    assert (409, "sold_out") == (answer.status_code, answer.get_json()["code"])
    assert ["items.1.recipe"] == [error["field"] for error in answer.get_json()["errors"]]
    assert [] == queued(bar)


def test_a_recipe_is_on_the_menu_as_soon_as_it_is_stored(client: FlaskClient, guest: Headers, bar: Bar) -> None:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("INSERT INTO recipes (name, build, ingredients) VALUES ('Brand New', 'sour', '[]')")
    assert 202 == client.post("/orders", json={"recipe": "brand new"}, headers=guest).status_code


def test_only_the_bar_can_rush(client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar) -> None:
    rush = {"recipe": "Margarita", "rush": True}
    assert 403 == client.post("/orders", json=rush, headers=guest).status_code
    assert 202 == client.post("/orders", json=rush, headers=bartender).status_code
    assert [True] == [order.rush for order in queued(bar)]


@pytest.mark.shares_bar
def test_a_wrong_method_names_the_right_ones(client: FlaskClient, guest: Headers) -> None:
    answer = client.delete("/orders", headers=guest)
    assert (405, {"GET", "HEAD", "POST", "OPTIONS"}) == (answer.status_code, set(answer.headers["Allow"].split(", ")))


@pytest.mark.shares_bar
@pytest.mark.parametrize("path", ["/orders/not-a-uuid", "/nowhere"])
def test_what_is_not_there_is_a_problem_too(client: FlaskClient, guest: Headers, path: str) -> None:
    answer = client.get(path, headers=guest)
    assert (404, "application/problem+json") == (answer.status_code, answer.content_type)
    assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


def test_ids_are_version_8(client: FlaskClient, guest: Headers) -> None:
    assert 8 == UUID(client.post("/orders", json={"recipe": "Negroni"}, headers=guest).get_json()["id"]).version
