"""Opening and closing the bar: who is turned away, what they are told, and how fast every process knows."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.bar import refuse_while_closed
from shakerqueue.api.problems import Problem
from shakerqueue.api.services import Services
from shakerqueue.deadlines import Deadline
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import unpack
from shakerqueue.queries.models import UserRole
from tests.support.application import running_app
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]
EVERYWHERE_SECONDS = 1.0
OPEN = {"state": "open", "accepting": True, "reason": None, "closes_at": None, "reopens_at": None}


def ahead(**duration: float) -> str:
    return (datetime.now(UTC) + timedelta(**duration)).isoformat()


def order(client: FlaskClient, who: Headers) -> TestResponse:
    return client.post("/orders", json={"recipe": "Margarita"}, headers=who)


def change(client: FlaskClient, who: Headers, **fields: Any) -> dict[str, Any]:
    answer = client.patch("/bar", json=fields, headers=who)
    assert 200 == answer.status_code, answer.text
    changed: dict[str, Any] = answer.get_json()
    return changed


def accepts(client: FlaskClient, *, accepting: bool) -> bool:
    return client.get("/bar").get_json()["accepting"] is accepting


@pytest.mark.shares_bar
def test_a_new_bar_is_open(client: FlaskClient) -> None:
    assert OPEN == client.get("/bar").get_json()


def test_a_closed_bar_turns_guests_away_and_says_why(client: FlaskClient, guest: Headers, bartender: Headers) -> None:
    reopens_at = ahead(hours=1)
    closed = change(client, bartender, accepting=False, reason="kitchen overwhelmed", reopens_at=reopens_at)

    said = {"accepting": False, "reason": "kitchen overwhelmed", "reopens_at": reopens_at}
    assert {"state": "closed", "closes_at": None, **said} == closed == client.get("/bar").get_json()
    answer = order(client, guest)
    assert (409, "bar_closed") == (answer.status_code, answer.get_json()["code"])
    assert ("kitchen overwhelmed", reopens_at) == (answer.get_json()["reason"], answer.get_json()["reopens_at"])
    assert 202 == order(client, bartender).status_code

    assert OPEN == change(client, bartender, accepting=True)
    assert 202 == order(client, guest).status_code


@pytest.mark.parametrize("role", UserRole)
def test_guests_and_keys_are_turned_away_and_the_staff_is_not(
    app: Flask, client: FlaskClient, bartender: Headers, role: UserRole
) -> None:
    change(client, bartender, accepting=False)
    turned_away = False
    with app.app_context():
        try:
            refuse_while_closed(role, Deadline.after(1))
        except Problem as problem:
            turned_away = problem.code == "bar_closed"
    assert turned_away is (role in (UserRole.CUSTOMER, UserRole.INTEGRATION))


def test_last_call_is_announced_and_then_holds(client: FlaskClient, guest: Headers, bartender: Headers) -> None:
    called = change(client, bartender, closes_at=ahead(seconds=0.5), reason="last call")
    assert ("last_call", True) == (called["state"], called["accepting"])
    assert 202 == order(client, guest).status_code

    eventually(lambda: client.get("/bar").get_json()["state"] == "closed")
    assert "last call" == client.get("/bar").get_json()["reason"]
    assert 409 == order(client, guest).status_code


def test_a_pause_ends_by_itself(client: FlaskClient, guest: Headers, bartender: Headers) -> None:
    change(client, bartender, accepting=False, reopens_at=ahead(seconds=0.3))
    assert 409 == order(client, guest).status_code
    eventually(lambda: order(client, guest).status_code == 202)
    assert OPEN == client.get("/bar").get_json()


def test_every_process_knows_within_a_second(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    with running_app(bar) as other:
        there = other.test_client()
        for accepting in (False, True):
            change(client, bartender, accepting=accepting)
            changed_at = monotonic()
            eventually(partial(accepts, there, accepting=accepting))
            assert monotonic() - changed_at < EVERYWHERE_SECONDS


def test_a_process_that_starts_at_a_closed_bar_knows_it(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    change(client, bartender, accepting=False)
    with running_app(bar) as other:
        assert not other.test_client().get("/bar").get_json()["accepting"]


def test_an_order_that_was_accepted_before_is_answered_at_a_closed_bar(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, services: Services
) -> None:
    keyed = {**guest, "Idempotency-Key": "k"}
    first = order(client, keyed)
    connection, channel = bar.open_channel()
    with connection, services.database.transaction() as conn:
        insert_orders(conn, unpack(channel.basic_get(bar.topology.orders_queue, auto_ack=True)[2]))
    change(client, bartender, accepting=False)

    again = order(client, keyed)
    assert (202, "true") == (again.status_code, again.headers["Idempotent-Replayed"])
    assert UUID(first.get_json()["id"]) == UUID(again.get_json()["id"])
    assert 409 == order(client, {**guest, "Idempotency-Key": "another"}).status_code


def test_saying_whether_the_bar_accepts_starts_afresh(client: FlaskClient, bartender: Headers) -> None:
    change(client, bartender, accepting=False, reason="fire drill", reopens_at=ahead(hours=1))
    closed = change(client, bartender, accepting=False)
    assert (None, None) == (closed["reason"], closed["reopens_at"])


def test_what_a_change_does_not_name_stays(client: FlaskClient, bartender: Headers) -> None:
    reopens_at = ahead(hours=1)
    change(client, bartender, accepting=False, reason="fire drill", reopens_at=reopens_at)
    closed = change(client, bartender, reason="fire")
    assert ("closed", "fire", reopens_at) == (closed["state"], closed["reason"], closed["reopens_at"])
    assert closed == change(client, bartender)


def test_times_of_any_zone_are_answered_in_utc(client: FlaskClient, bartender: Headers) -> None:
    at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    there = at.astimezone(datetime.strptime("-0330", "%z").tzinfo).isoformat()
    assert at.isoformat() == change(client, bartender, closes_at=there)["closes_at"]


BAD_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"accepting": "no"}, "accepting"),
    ({"accepting": None}, "accepting"),
    ({"accepting": 0}, "accepting"),
    ({"reason": ""}, "reason"),
    ({"reason": "x" * 201}, "reason"),
    ({"reason": "two\nlines"}, "reason"),
    ({"reason": 7}, "reason"),
    ({"state": "closed"}, "state"),
    ({"acepting": False}, "acepting"),
    ({"closes_at": "soon"}, "closes_at"),
    ({"closes_at": 7}, "closes_at"),
    ({"closes_at": "2126-01-01T12:00:00"}, "closes_at"),
    ({"closes_at": "2020-01-01T12:00:00Z"}, "closes_at"),
    ({"closes_at": "9999-12-31T23:59:59-14:00"}, "closes_at"),
    ({"closes_at": "0001-01-01T00:00:00+14:00"}, "closes_at"),
    ({"accepting": False, "closes_at": ahead(hours=1)}, "closes_at"),
    ({"accepting": False, "reopens_at": "2020-01-01T12:00:00Z"}, "reopens_at"),
    ({"accepting": False, "reopens_at": "9999-12-31T23:59:59-14:00"}, "reopens_at"),
    ({"reopens_at": ahead(hours=1)}, "reopens_at"),
    ({"closes_at": ahead(hours=2), "reopens_at": ahead(hours=1)}, "reopens_at"),
]


@pytest.mark.shares_bar
def test_a_bad_change_is_refused_by_field_and_changes_nothing(
    client: FlaskClient, bartender: Headers, bar: Bar
) -> None:
    for body, field in BAD_CHANGES:
        answer = client.patch("/bar", json=body, headers=bartender)
        assert 422 == answer.status_code, body
        assert [field] == [error["field"] for error in answer.get_json()["errors"]], body
    assert [(True, None, None, None)] == bar.query("SELECT accepting, reason, closes_at, reopens_at FROM bar")


def test_two_who_change_it_at_once_follow_each_other(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    """One has closed the bar and not committed yet: the other's new reason is for the closed bar, not the open one."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as other, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE bar SET accepting = false, reason = 'first'")
        second = other.submit(change, client, bartender, reason="second")
        eventually(lambda: bar.query(waiting))
        conn.commit()
        assert ("closed", "second") == (second.result()["state"], second.result()["reason"])


@pytest.mark.shares_bar
def test_only_the_staff_opens_and_closes(client: FlaskClient, guest: Headers) -> None:
    assert 403 == client.patch("/bar", json={"accepting": False}, headers=guest).status_code
    assert 401 == client.patch("/bar", json={"accepting": False}).status_code
    assert OPEN == client.get("/bar").get_json()
