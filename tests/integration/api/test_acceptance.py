"""An order is accepted while the broker or the database is away, and under its key it stays one order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consumer.worker import Worker
from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.app import create_app
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import unpack
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]
ORDER = {"recipe": "Margarita"}
KEY = {"Idempotency-Key": "table-7-round-1"}


def take_broker_away(services: Services) -> None:
    assert services.publisher is not None
    services.publisher.stop()


@contextmanager
def consumer(bar: Bar, services: Services) -> Iterator[None]:
    worker = Worker(bar.amqp_url, bar.topology, services.database, batch_size=50)
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()


def stored(bar: Bar) -> list[str]:
    return [str(row[0]) for row in bar.query("SELECT id FROM orders")]


def sell_out(client: FlaskClient, services: Services, bartender: Headers) -> None:
    recipe = services.menu.current.by_name["margarita"]
    answer = client.patch(f"/recipes/{recipe.id}", json={"available": False}, headers=bartender)
    assert 200 == answer.status_code
    eventually(lambda: not services.menu.current.by_name["margarita"].available)


def test_without_the_broker_an_order_is_stored_before_it_is_answered(
    client: FlaskClient, guest: Headers, services: Services, bar: Bar
) -> None:
    take_broker_away(services)
    answer = client.post("/orders", json=ORDER, headers=guest)
    assert (202, "queued") == (answer.status_code, answer.get_json()["status"])
    assert [answer.get_json()["id"]] == stored(bar)
    assert "pending" == client.get(answer.headers["Location"], headers=guest).get_json()["status"]


def test_without_the_database_an_order_is_queued(
    client: FlaskClient, guest: Headers, services: Services, bar: Bar
) -> None:
    """The key cannot be looked up then, and that is no refusal."""
    services.database.stop()
    answer = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert (202, 1) == (answer.status_code, bar.queue_length(bar.topology.orders_queue))


def test_without_both_the_guest_is_told_when_to_come_back(
    client: FlaskClient, guest: Headers, services: Services
) -> None:
    take_broker_away(services)
    services.database.stop()
    answer = client.post("/orders", json=ORDER, headers=guest)
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])


def test_a_repeat_on_the_other_path_is_the_same_order(
    client: FlaskClient, guest: Headers, services: Services, bar: Bar
) -> None:
    """Queued first, then stored directly, then taken from the queue: one order, one event of its placing."""
    first = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    take_broker_away(services)
    second = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert first.get_json()["id"] == second.get_json()["id"]
    assert [first.get_json()["id"]] == stored(bar)

    with consumer(bar, services):
        eventually(lambda: 0 == bar.queue_length(bar.topology.orders_queue))
    third = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert (first.get_json()["id"], "true") == (third.get_json()["id"], third.headers["Idempotent-Replayed"])
    assert [(1,)] == bar.query("SELECT count(*) FROM order_events")


def test_a_key_is_answered_for_though_the_drink_was_sold_out_meanwhile(
    client: FlaskClient, guest: Headers, bartender: Headers, services: Services, bar: Bar
) -> None:
    """While the order is queued nobody can say that this key stands for nothing, so nobody says so."""
    first = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    sell_out(client, services, bartender)

    unknown = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert (503, "1") == (unknown.status_code, unknown.headers["Retry-After"])
    with consumer(bar, services):
        eventually(lambda: stored(bar))
        repeat = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert (202, first.get_json()["id"]) == (repeat.status_code, repeat.get_json()["id"])


def test_an_order_in_a_consumers_hands_is_waited_for(
    client: FlaskClient, guest: Headers, bartender: Headers, services: Services, bar: Bar
) -> None:
    """The queue is empty by then, and the database knows nothing yet."""
    first = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    sell_out(client, services, bartender)
    connection, channel = bar.open_channel()
    with connection:
        _, _, body = channel.basic_get(bar.topology.orders_queue)
        assert body is not None
        thread = threading.Timer(0.1, persist, (services, body))
        thread.start()
        repeat = client.post("/orders", json=ORDER, headers={**guest, **KEY})
        thread.join()
    assert (202, first.get_json()["id"]) == (repeat.status_code, repeat.get_json()["id"])


def persist(services: Services, body: bytes) -> None:
    with services.database.transaction() as conn:
        insert_orders(conn, unpack(body))


def test_a_key_that_stands_for_nothing_is_refused_as_any_order(
    client: FlaskClient, guest: Headers, bartender: Headers, services: Services
) -> None:
    sell_out(client, services, bartender)
    answer = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert (409, "sold_out") == (answer.status_code, answer.get_json()["code"])


@pytest.fixture
def app_without_broker(bar: Bar) -> Iterator[Flask]:
    app = create_app(replace(bar.settings, amqp_url=None))
    services: Services = app.extensions[EXTENSION]
    eventually(lambda: services.menu.loaded and not services.revocations.stale)
    yield app
    services.stop()


def test_the_product_runs_without_a_broker(app_without_broker: Flask, bar: Bar) -> None:
    client = app_without_broker.test_client()
    guest, bartender = sign_in(client, "user@example.com"), sign_in(client, "bartender@example.com")
    placed = client.post("/orders", json=ORDER, headers={**guest, **KEY})
    assert [placed.get_json()["id"]] == stored(bar)
    ready = client.get("/readyz").get_json()
    assert ("ready", True) == (ready["status"], ready["intake"])
    assert "broker" not in ready["parts"]

    services: Services = app_without_broker.extensions[EXTENSION]
    sell_out(client, services, bartender)
    assert 202 == client.post("/orders", json=ORDER, headers={**guest, **KEY}).status_code
    assert 409 == client.post("/orders", json=ORDER, headers={**guest, "Idempotency-Key": "another"}).status_code


def readiness(client: FlaskClient) -> tuple[int, str, bool]:
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()["status"], answer.get_json()["intake"]


def test_readiness_tells_ready_degraded_and_not_ready_apart(client: FlaskClient, services: Services, bar: Bar) -> None:
    assert (200, "degraded", True) == readiness(client)
    assert "none; 0 messages wait" == client.get("/readyz").get_json()["parts"]["consumer"]
    with consumer(bar, services):
        eventually(lambda: (200, "ready", True) == readiness(client))
    take_broker_away(services)
    assert (200, "degraded", True) == readiness(client)
    assert "not_connected" == client.get("/readyz").get_json()["parts"]["broker"]
    services.database.stop()
    assert (503, "not_ready", False) == readiness(client)


def test_without_the_database_it_is_degraded(client: FlaskClient, services: Services) -> None:
    services.database.stop()
    assert (200, "degraded", True) == readiness(client)
    assert "unavailable" == client.get("/readyz").get_json()["parts"]["database"]


def test_a_database_that_cannot_be_written_to_is_none(client: FlaskClient, services: Services, bar: Bar) -> None:
    take_broker_away(services)
    bar.change(f"ALTER DATABASE {bar.database_url.rpartition('/')[2]} SET default_transaction_read_only = on")
    bar.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shakerqueue-api'")
    eventually(lambda: (503, "not_ready", False) == readiness(client))
