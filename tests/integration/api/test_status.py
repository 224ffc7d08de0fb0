"""What is going on now: the figures of this moment, and of each part that is away just that."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskClient

from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.app import create_app
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries.models import UserRole
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.letters import dead_letter, put_dead
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

Headers = dict[str, str]
EMPTY_QUEUE = {"ready": 0, "consumers": 0, "put_off": 0, "dead_letters": 0}
NOTHING_KNOWN = dict.fromkeys(("orders_today", "drinks_open", "drinks_late", "oldest_age_seconds"))


def status(client: FlaskClient, who: Headers) -> dict[str, Any]:
    answer = client.get("/admin/status", headers=who)
    assert 200 == answer.status_code, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_an_idle_bar(client: FlaskClient, bartender: Headers) -> None:
    zeros = dict.fromkeys(("orders_today", "drinks_open", "drinks_late"), 0)
    parts = {"queue": EMPTY_QUEUE, "database": "ok", "broker": "ok"}
    assert {**zeros, "oldest_age_seconds": None, **parts} == status(client, bartender)


def test_the_figures_are_those_of_this_moment(client: FlaskClient, admin: Headers, bar: Bar) -> None:
    day = bar.settings.business_days
    now = datetime.now(UTC)
    today = day.begin_of(day.day_of(now))
    with psycopg.connect(bar.database_url) as conn:
        guest = principal_id(conn)
        last_of_yesterday = order(guest, drink(conn), placed_at=today - timedelta(seconds=1))
        first_of_today = order(guest, drink(conn), placed_at=today)
        fresh = order(guest, drink(conn), drink(conn), placed_at=now)
        insert_orders(conn, [last_of_yesterday, first_of_today, fresh])
        bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        act_on_item(conn, fresh.id, 1, Verb.START, bartender, now)
        act_on_item(conn, first_of_today.id, 1, Verb.COMPLETE, bartender, now)
    client.post("/orders", json={"recipe": "Margarita"}, headers=admin)
    put_dead(bar, dead_letter(b"a"), dead_letter(b"b"))

    eventually(lambda: status(client, admin)["queue"]["dead_letters"] == 2)
    found = status(client, admin)
    age_seconds = (now - last_of_yesterday.placed_at).total_seconds()
    assert (2, 3) == (found["orders_today"], found["drinks_open"])
    assert age_seconds <= found.pop("oldest_age_seconds") <= age_seconds + 60
    assert {**EMPTY_QUEUE, "ready": 1, "dead_letters": 2} == found["queue"]


def test_late_is_what_is_open_and_past_its_time(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(bar.database_url) as conn:
        for placed_at in (now - timedelta(hours=1), now):
            insert_orders(conn, [order(principal_id(conn), drink(conn), placed_at=placed_at)])
    found = status(client, bartender)
    assert (2, 1) == (found["drinks_open"], found["drinks_late"])


def test_without_the_database_the_queues_are_known(client: FlaskClient, bartender: Headers, services: Services) -> None:
    services.database.stop()
    parts = {"queue": EMPTY_QUEUE, "database": "unavailable", "broker": "ok"}
    assert {**NOTHING_KNOWN, **parts} == status(client, bartender)


def test_without_the_broker_the_drinks_are_known(client: FlaskClient, bartender: Headers, services: Services) -> None:
    assert services.publisher is not None
    services.publisher.stop()
    found = status(client, bartender)
    assert (0, None, "ok", "not_connected") == tuple(
        found[name] for name in ("drinks_open", "queue", "database", "broker")
    )


def test_a_bar_that_runs_without_a_broker_says_so(bar: Bar) -> None:
    app = create_app(replace(bar.settings, amqp_url=None))
    services: Services = app.extensions[EXTENSION]
    eventually(lambda: services.menu.loaded and not services.revocations.stale)
    client = app.test_client()
    found = status(client, sign_in(client, "bartender@example.com"))
    services.stop()
    assert (0, None, "off") == (found["drinks_open"], found["queue"], found["broker"])


@pytest.fixture
def locked_orders(bar: Bar) -> Iterator[None]:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.alone
def test_what_hangs_is_given_up_in_time(
    client: FlaskClient,
    bartender: Headers,
    services: Services,
    locked_orders: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shakerqueue.api.status.PROBE_SECONDS", 0.2)
    assert services.publisher is not None
    session = services.publisher._session
    assert session is not None
    session._channel = None  # asked, it never answers
    began = monotonic()
    found = status(client, bartender)
    assert {**NOTHING_KNOWN, "queue": None, "database": "unavailable", "broker": "no_confirm"} == found
    assert monotonic() - began < 0.8
