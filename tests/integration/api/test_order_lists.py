"""Lists of orders: own ones, filters, pages that neither repeat nor miss, and waiting for a change."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries.models import UserRole
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

Headers = dict[str, str]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def stored(services: Services) -> list[str]:
    """Ten orders of the guest, a minute apart except for the last two, and one of the bartender; newest last."""
    with services.database.transaction() as conn:
        guest, bartender = principal_id(conn), principal_id(conn, "bartender@example.com")
        minutes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]
        mine = [
            order(guest, drink(conn), placed_at=NOON + timedelta(minutes=minute), ticket=f"T{count % 3}")
            for count, minute in enumerate(minutes)
        ]
        theirs = order(bartender, drink(conn), placed_at=NOON + timedelta(hours=1), external_id="check-1")
        insert_orders(conn, [*mine, theirs])
    return [str(one.id) for one in sorted([*mine, theirs], key=lambda one: (one.placed_at, one.id))]


def ids(client: FlaskClient, who: Headers, query: str = "") -> list[str]:
    answer = client.get(f"/orders{query}", headers=who)
    assert 200 == answer.status_code, answer.text
    return [one["id"] for one in answer.get_json()["orders"]]


def test_guests_see_their_own_and_staff_see_all_newest_first(
    client: FlaskClient, guest: Headers, bartender: Headers, stored: list[str]
) -> None:
    assert stored[::-1] == ids(client, bartender)
    assert stored[-2::-1] == ids(client, guest)


def test_pages_neither_repeat_nor_miss_even_while_orders_come_in(
    client: FlaskClient, guest: Headers, services: Services, stored: list[str]
) -> None:
    seen: list[str] = []
    next_page = "/orders?limit=3"
    while next_page:
        page = client.get(next_page, headers=guest).get_json()
        seen += [one["id"] for one in page["orders"]]
        next_page = page["next_cursor"] and f"/orders?limit=3&cursor={page['next_cursor']}"
        with services.database.transaction() as conn:
            insert_orders(conn, [order(principal_id(conn), drink(conn), placed_at=NOON + timedelta(days=1))])
    assert stored[-2::-1] == seen


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?ticket=T0", [9, 6, 3, 0]),
        ("?external_id=check-1", []),
        ("?placed_after=2026-11-20T12:07:00Z", [9, 8]),
        ("?status=complete", [4]),
        ("?status=pending&ticket=T1", [7, 1]),
        ("?updated_after=2100-01-01T00:00:00Z", []),
    ],
)
def test_filters(
    client: FlaskClient, guest: Headers, services: Services, stored: list[str], query: str, expected: list[int]
) -> None:
    with services.database.transaction() as conn:
        bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        act_on_item(conn, UUID(stored[4]), 1, Verb.COMPLETE, bartender, NOON)
    order_of_tie = {stored[8], stored[9]}
    found = ids(client, guest, query)
    assert {stored[number] for number in expected} - order_of_tie == set(found) - order_of_tie
    assert found == sorted(found, key=stored.index, reverse=True)


def test_staff_see_what_they_ordered_themselves_when_they_ask_for_it(
    client: FlaskClient, guest: Headers, bartender: Headers, stored: list[str]
) -> None:
    assert stored[-1:] == ids(client, bartender, "?mine=true")
    assert stored[::-1] == ids(client, bartender, "?mine=false")
    assert stored[-2::-1] == ids(client, guest, "?mine=true") == ids(client, guest, "?mine=false")


def test_staff_find_a_pos_order_by_its_id(client: FlaskClient, bartender: Headers, stored: list[str]) -> None:
    assert [stored[-1]] == ids(client, bartender, "?external_id=check-1")


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=forged", "cursor"),
        ("status=done", "status"),
        ("mine=1", "mine"),
        ("placed_after=yesterday", "placed_after"),
        ("placed_after=9999-12-31T23:59:59-05:00", "placed_after"),
        ("updated_after=0001-01-01T00:00:00%2B05:00", "updated_after"),
        ("placed_after=2026-11-20T12:00:00", "placed_after"),
        ("tickett=T0", "tickett"),
    ],
)
def test_a_bad_query_is_refused_by_field(client: FlaskClient, guest: Headers, query: str, field: str) -> None:
    answer = client.get(f"/orders?{query}", headers=guest)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


def test_waiting_answers_as_soon_as_the_order_changes(
    app: Flask, client: FlaskClient, guest: Headers, services: Services, stored: list[str]
) -> None:
    def wait() -> tuple[Any, float]:
        began = time.monotonic()
        answer = app.test_client().get(f"/orders/{stored[0]}?wait=20", headers=guest)
        return answer.get_json(), time.monotonic() - began

    places = services.waiting_places._value
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(wait)
        eventually(lambda: places - 1 == services.waiting_places._value)  # it has seen the order as it is
        with services.database.transaction() as conn:
            bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
            act_on_item(conn, UUID(stored[0]), 1, Verb.START, bartender, datetime.now(UTC))
        order, seconds = waiting.result(30)

    assert "in_progress" == order["status"]
    assert seconds < 15


def test_waiting_for_nothing_ends_in_time(client: FlaskClient, guest: Headers, stored: list[str]) -> None:
    began = time.monotonic()
    answer = client.get(f"/orders/{stored[0]}?wait=1", headers=guest)
    assert (200, "pending") == (answer.status_code, answer.get_json()["status"])
    assert 1.0 <= time.monotonic() - began < 5
