"""API keys: made once, good on every process within a second, gone as fast; and what a program can do with one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from dev.postgres import PrivatePostgres
from shakerqueue import api_keys
from shakerqueue.api.services import Services
from tests.support.api_keys import bearer, listed, new_key
from tests.support.application import persist_queued
from tests.support.bar import Bar
from tests.support.databases import closed_to_all
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5
ORDER = {"items": [{"recipe": "Negroni", "quantity": 2, "note": "no ice"}], "ticket": "T7", "external_id": "check-1"}
NOBODY = "00000000-0000-4000-8000-000000000000"

Headers = dict[str, str]


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": ["orders:read"]}, "integration"),
        ({"integration": "x", "integration_id": NOBODY, "scopes": ["orders:read"]}, "integration"),
        ({"integration": "", "scopes": ["orders:read"]}, "integration"),
        ({"integration": " till", "scopes": ["orders:read"]}, "integration"),
        ({"integration": "x" * 65, "scopes": ["orders:read"]}, "integration"),
        ({"integration_id": "till", "scopes": ["orders:read"]}, "integration_id"),
        ({"integration_id": NOBODY, "scopes": ["orders:read"]}, "integration_id"),
        ({"integration": "x"}, "scopes"),
        ({"integration": "x", "scopes": []}, "scopes"),
        ({"integration": "x", "scopes": "orders:read"}, "scopes"),
        ({"integration": "x", "scopes": ["orders:read", "orders:all"]}, "scopes.1"),
        ({"integration": "x", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"integration": "x", "scopes": ["orders:read"], "expires_at": "tomorrow"}, "expires_at"),
        ({"integration": "x", "scopes": ["orders:read"], "expires_at": "9999-12-31T23:59:59-05:00"}, "expires_at"),
        ({"integration": "x", "scopes": ["orders:read"], "expires": "2099-01-01T00:00:00Z"}, "expires"),
    ],
    ids=lambda value: str(value)[:70],
)
def test_what_no_key_can_be_is_named(client: FlaskClient, admin: Headers, body: Any, field: str) -> None:
    answer = client.post("/api-keys", json=body, headers=admin)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


@pytest.mark.shares_bar
def test_a_name_that_is_taken_makes_neither_a_key_nor_somebody_else(client: FlaskClient, admin: Headers) -> None:
    new_key(client, admin, integration="Terrace till")
    before = listed(client, admin)
    for taken in ("Terrace till", "TERRACE TILL", "bartender"):
        answer = client.post("/api-keys", json={"integration": taken, "scopes": ["orders:read"]}, headers=admin)
        problem = answer.get_json()
        assert (409, "taken", "integration") == (answer.status_code, problem["code"], problem["errors"][0]["field"])
    assert before == listed(client, admin)


@pytest.mark.shares_bar
def test_people_get_no_keys(client: FlaskClient, admin: Headers, bar: Bar) -> None:
    [(person,)] = bar.query("SELECT id FROM users WHERE username = 'admin'")
    body = {"integration_id": str(person), "scopes": ["orders:write"]}
    answer = client.post("/api-keys", json=body, headers=admin)
    assert (422, "unknown_integration") == (answer.status_code, answer.get_json()["code"])


def test_another_key_is_the_same_principal(client: FlaskClient, admin: Headers, bar: Bar, services: Services) -> None:
    """What was ordered with the old key is there with the new one, and a repeat under the same key is no new order."""
    old = new_key(client, admin)
    once = {"Idempotency-Key": "check-1"}
    first = client.post("/orders", json=ORDER, headers={**bearer(old), **once})
    persist_queued(bar, services)

    new = new_key(client, admin, integration_id=old["integration"]["id"])
    assert 204 == client.delete(f"/api-keys/{old['id']}", headers=admin).status_code
    eventually(lambda: 401 == client.get("/me", headers=bearer(old)).status_code, ABOUT_A_SECOND)

    again = client.post("/orders", json=ORDER, headers={**bearer(new), **once})
    assert (202, "true") == (again.status_code, again.headers["Idempotent-Replayed"])
    assert first.get_json()["id"] == again.get_json()["id"]
    found = client.get("/orders?external_id=check-1", headers=bearer(new)).get_json()["orders"]
    assert [first.get_json()["id"]] == [order["id"] for order in found]


@pytest.mark.shares_bar
def test_a_program_sees_its_own_orders_and_nobody_elses(
    client: FlaskClient, admin: Headers, guest: Headers, bar: Bar, services: Services
) -> None:
    pos, other = new_key(client, admin), new_key(client, admin)
    placed = client.post("/orders", json={**ORDER, "rush": True}, headers=bearer(pos)).get_json()["id"]
    client.post("/orders", json=ORDER, headers=guest)
    persist_queued(bar, services)

    assert [placed] == [o["id"] for o in client.get("/orders", headers=bearer(pos)).get_json()["orders"]]
    assert [] == client.get("/orders", headers=bearer(other)).get_json()["orders"]
    assert 404 == client.get(f"/orders/{placed}", headers=bearer(other)).status_code
    assert 404 == client.post(f"/orders/{placed}/cancel", headers=bearer(other)).status_code

    def heard_of() -> set[str]:
        events = client.get("/events?after=0", headers=bearer(pos)).get_json()["events"]
        return {event["order_id"] for event in events}

    eventually(heard_of)  # the feed is read a moment after the commit
    assert {placed} == heard_of()
    assert "canceled" == client.post(f"/orders/{placed}/cancel", headers=bearer(pos)).get_json()["status"]


@pytest.mark.shares_bar
def test_a_key_says_who_it_belongs_to(client: FlaskClient, admin: Headers) -> None:
    made = new_key(client, admin, "menu:read")
    me = client.get("/me", headers=bearer(made)).get_json()
    assert (made["integration"]["id"], "integration", None) == (me["id"], me["role"], me["email"])


def test_a_disabled_integration_has_no_key(client: FlaskClient, admin: Headers) -> None:
    made = new_key(client, admin)
    pos = made["integration"]["id"]
    client.patch(f"/users/{pos}", json={"disabled": True}, headers=admin)
    eventually(lambda: 401 == client.get("/me", headers=bearer(made)).status_code, ABOUT_A_SECOND)
    body = {"integration_id": pos, "scopes": ["orders:write"]}
    assert 422 == client.post("/api-keys", json=body, headers=admin).status_code


def test_a_revoked_key_is_out_though_the_follower_does_not_get_through(
    client: FlaskClient, admin: Headers, services: Services
) -> None:
    made = new_key(client, admin)
    assert 200 == client.get("/me", headers=bearer(made)).status_code
    services.follower.stop()
    client.delete(f"/api-keys/{made['id']}", headers=admin)
    eventually(lambda: 401 == client.get("/me", headers=bearer(made)).status_code, api_keys.STALE_SECONDS + 2)


def test_strangers_cannot_keep_the_database_busy(client: FlaskClient, admin: Headers, services: Services) -> None:
    """Each unknown key is looked up, a few at a time; keys that are known are not held up by that."""
    made = new_key(client, admin)
    eventually(lambda: services.api_keys.holds(UUID(made["id"])))
    places = services.api_keys._look_up_places
    taken = [places.acquire(blocking=False) for _ in range(api_keys.LOOK_UPS_AT_ONCE + 1)]
    assert [True] * api_keys.LOOK_UPS_AT_ONCE + [False] == taken

    unknown = client.get("/me", headers={"Authorization": f"Bearer {api_keys.new_key()}"})
    assert (503, "1") == (unknown.status_code, unknown.headers["Retry-After"])
    assert 200 == client.get("/me", headers=bearer(made)).status_code


def test_keys_that_are_known_go_on_while_the_database_is_away(
    client: FlaskClient, admin: Headers, bar: Bar, services: Services, postgres: PrivatePostgres
) -> None:
    """A till goes on for as long as it takes; who was made just now, nobody can know."""
    made = new_key(client, admin)
    eventually(lambda: services.api_keys.holds(UUID(made["id"])))
    unknown = api_keys.new_key()
    with closed_to_all(bar, postgres):
        eventually(lambda: services.revocations.stale, 8)
        assert 202 == client.post("/orders", json=ORDER, headers=bearer(made)).status_code
        answer = client.post("/orders", json=ORDER, headers={"Authorization": f"Bearer {unknown}"})
        assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])


def test_what_was_not_read_for_a_day_is_not_believed(
    client: FlaskClient,
    admin: Headers,
    bar: Bar,
    services: Services,
    postgres: PrivatePostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = new_key(client, admin)
    eventually(lambda: services.api_keys.holds(UUID(made["id"])))
    with closed_to_all(bar, postgres):
        monkeypatch.setattr(api_keys, "MAX_UNREAD_SECONDS", 0.0)
        assert 503 == client.post("/orders", json=ORDER, headers=bearer(made)).status_code


def test_the_last_use_is_noted(
    client: FlaskClient, admin: Headers, monkeypatch: pytest.MonkeyPatch, services: Services
) -> None:
    monkeypatch.setattr(api_keys, "NOTE_USES_SECONDS", 0.0)
    used, unused = new_key(client, admin), new_key(client, admin)
    services.api_keys._uses_due_at = 0.0
    before = datetime.now(UTC)
    assert 200 == client.get("/me", headers=bearer(used)).status_code

    def last_uses() -> dict[str, str | None]:
        return {key["id"]: key["last_used_at"] for key in listed(client, admin)}

    eventually(lambda: last_uses()[used["id"]])
    noted = datetime.fromisoformat(str(last_uses()[used["id"]]))
    assert before <= noted <= datetime.now(UTC)
    assert last_uses()[unused["id"]] is None


def test_the_list_has_pages(client: FlaskClient, admin: Headers) -> None:
    made = [new_key(client, admin)["id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while True:
        answer = client.get(f"/api-keys?limit=2{cursor}", headers=admin).get_json()
        found += [key["id"] for key in answer["api_keys"]]
        if answer["next_cursor"] is None:
            break
        cursor = f"&cursor={answer['next_cursor']}"
    assert made[::-1] == found


def test_a_key_is_in_no_log(client: FlaskClient, admin: Headers, caplog: pytest.LogCaptureFixture) -> None:
    made = new_key(client, admin)
    client.post("/orders", json=ORDER, headers=bearer(made))
    client.get("/me", headers={"Authorization": f"Bearer {made['key']}x"})
    assert "/orders" in caplog.text
    assert made["key"].removeprefix(made["prefix"]) not in caplog.text


def test_a_page_is_signed_in_by_a_person_alone(client: FlaskClient, admin: Headers) -> None:
    """A key opens no page's session."""
    made = new_key(client, admin)
    assert client.get("/session", headers=bearer(made)).get_json()["user"] is None
    client.set_cookie("access_token", made["key"])
    assert [401, 200] == [client.get("/me", headers=who).status_code for who in (None, bearer(made))]
