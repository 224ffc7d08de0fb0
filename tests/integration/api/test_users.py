"""Users, for admins; and what holds of everyone's rights while nobody can be asked."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import Services
from shakerqueue.revocations import STALE_SECONDS
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5
Headers = dict[str, str]


def id_of(bar: Bar, username: str) -> str:
    return str(bar.query(f"SELECT id FROM users WHERE username = '{username}'")[0][0])


def patch(client: FlaskClient, bar: Bar, who: Headers, username: str, body: Any) -> TestResponse:
    return client.patch(f"/users/{id_of(bar, username)}", json=body, headers=who)


def enabled_admins(bar: Bar) -> list[tuple[object, ...]]:
    return bar.query("SELECT username FROM users WHERE role = 'admin' AND disabled_at IS NULL")


def test_everyone_is_listed_by_name_a_page_at_a_time(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    bar.change(
        "INSERT INTO users (username, email, password_hash, role)"
        " SELECT 'Guest ' || n, n || '@example.com', 'none', 'customer' FROM generate_series(1, 5) AS n"
    )
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        body = client.get("/users", query_string={"limit": 2, **cursor}, headers=admin).get_json()
        seen += [user["username"] for user in body["users"]]
        cursor = {"cursor": body["next_cursor"]}
    assert body["next_cursor"] is None
    assert ["admin", "bartender", *(f"Guest {n}" for n in range(1, 6)), "user"] == seen


@pytest.mark.shares_bar
def test_a_role_can_be_asked_for(client: FlaskClient, admin: Headers) -> None:
    body = client.get("/users?role=employee", headers=admin).get_json()
    assert [("bartender", "employee", False)] == [
        (user["username"], user["role"], user["disabled"]) for user in body["users"]
    ]


@pytest.mark.shares_bar
def test_one_user_is_shown(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    body = client.get(f"/users/{id_of(bar, 'user')}", headers=admin).get_json()
    assert {"id", "username", "email", "role", "disabled", "created_at"} == set(body)
    assert ("user", "user@example.com", "customer", False) == (
        body["username"],
        body["email"],
        body["role"],
        body["disabled"],
    )


@pytest.mark.shares_bar
def test_who_is_not_there_is_not_found(client: FlaskClient, admin: Headers) -> None:
    path = f"/users/{uuid4()}"
    assert 404 == client.get(path, headers=admin).status_code
    assert 404 == client.patch(path, json={"disabled": True}, headers=admin).status_code


def test_a_promotion_holds_from_the_next_token_on(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    before = client.post("/login", json={"email": "user@example.com", "password": "password123"}).get_json()
    headers = {"Authorization": f"Bearer {before['token']}"}

    answer = patch(client, bar, admin, "user", {"role": "admin"})

    assert (200, "admin") == (answer.status_code, answer.get_json()["role"])
    eventually(lambda: 401 == client.get("/me", headers=headers).status_code, ABOUT_A_SECOND)
    after = client.post("/token/refresh", json={"refresh_token": before["refresh_token"]}).get_json()
    assert 200 == client.get("/users", headers={"Authorization": f"Bearer {after['token']}"}).status_code


def test_the_role_customer_is_that_and_no_more(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    assert "customer" == patch(client, bar, admin, "bartender", {"role": "customer"}).get_json()["role"]
    assert 403 == client.get("/users", headers=sign_in(client, "bartender@example.com")).status_code


def test_who_is_disabled_is_out_until_enabled(
    client: FlaskClient, bar: Bar, admin: Headers, bartender: Headers
) -> None:
    credentials = {"email": "bartender@example.com", "password": "password123"}
    before = client.post("/login", json=credentials).get_json()

    assert patch(client, bar, admin, "bartender", {"disabled": True}).get_json()["disabled"]

    eventually(lambda: 401 == client.get("/me", headers=bartender).status_code, ABOUT_A_SECOND)
    assert 401 == client.post("/login", json=credentials).status_code
    refresh = {"refresh_token": before["refresh_token"]}
    assert 401 == client.post("/token/refresh", json=refresh).status_code

    assert not patch(client, bar, admin, "bartender", {"disabled": False}).get_json()["disabled"]
    assert 200 == client.post("/login", json=credentials).status_code
    assert 401 == client.post("/token/refresh", json=refresh).status_code
    assert 401 == client.get("/me", headers=bartender).status_code


def test_what_is_so_already_revokes_nothing(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    answer = patch(client, bar, admin, "bartender", {"role": "employee", "disabled": False})
    assert 200 == answer.status_code
    assert [(1,)] == bar.query("SELECT max(token_epoch) FROM users")


def test_an_integration_has_no_other_role_but_can_be_disabled(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    bar.change("INSERT INTO users (username, role) VALUES ('pos', 'integration')")
    answer = patch(client, bar, admin, "pos", {"role": "admin"})
    assert (409, "not_a_person") == (answer.status_code, answer.get_json()["code"])
    assert patch(client, bar, admin, "pos", {"disabled": True}).get_json()["disabled"]


@pytest.mark.parametrize("body", [{"role": "employee"}, {"disabled": True}, {"role": "customer", "disabled": True}])
def test_the_last_admin_stays(client: FlaskClient, bar: Bar, admin: Headers, body: Any) -> None:
    bar.change(
        "INSERT INTO users (username, email, password_hash, role, disabled_at)"
        " VALUES ('former', 'former@example.com', 'none', 'admin', now())"
    )

    answer = patch(client, bar, admin, "admin", body)

    assert (409, "last_admin") == (answer.status_code, answer.get_json()["code"])
    assert [("admin",)] == enabled_admins(bar)
    assert 200 == client.get("/users", headers=admin).status_code  # and nothing was revoked


def test_with_a_second_admin_the_first_may_go(client: FlaskClient, bar: Bar, admin: Headers) -> None:
    patch(client, bar, admin, "bartender", {"role": "admin"})
    assert 200 == patch(client, bar, admin, "admin", {"role": "customer"}).status_code
    assert [("bartender",)] == enabled_admins(bar)


def test_of_two_admins_who_demote_each_other_at_once_one_stays(
    app: Flask, client: FlaskClient, bar: Bar, admin: Headers
) -> None:
    patch(client, bar, admin, "bartender", {"role": "admin"})
    other = sign_in(client, "bartender@example.com")
    pairs = [(admin, id_of(bar, "bartender")), (other, id_of(bar, "admin"))]

    def demote(pair: tuple[Headers, str]) -> int:
        return app.test_client().patch(f"/users/{pair[1]}", json={"role": "customer"}, headers=pair[0]).status_code

    with ThreadPoolExecutor(2) as pool:
        with psycopg.connect(bar.database_url) as conn:
            conn.execute("SELECT FROM users WHERE role = 'admin' FOR UPDATE")
            demotions = [pool.submit(demote, pair) for pair in pairs]
            eventually(lambda: bar.waiting_for_a_lock() == 2)
        statuses = sorted(demotion.result() for demotion in demotions)

    assert [200, 409] == statuses
    assert 1 == len(enabled_admins(bar))


@pytest.fixture
def stale(services: Services) -> None:
    """The process has heard nothing of revocations for too long."""
    services.follower.stop()
    services.follower._thread.join()
    services.revocations._current_at -= STALE_SECONDS


def test_while_revocations_are_unknown_nobody_is_staff_and_guests_go_on(
    client: FlaskClient, admin: Headers, bartender: Headers, guest: Headers, request: pytest.FixtureRequest
) -> None:
    placed = client.post("/orders", json={"recipe": "Negroni"}, headers=guest).headers["Location"]
    assert 200 == client.get("/users", headers=admin).status_code
    request.getfixturevalue("stale")

    answer = client.get("/users", headers=admin)
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert 403 == client.get("/users", headers=guest).status_code
    for who in (guest, bartender, admin):
        own = client.post("/orders", json={"recipe": "Negroni"}, headers=who)
        assert 202 == own.status_code
        assert 200 == client.get(own.headers["Location"], headers=who).status_code
    assert 403 == client.post("/orders", json={"recipe": "Negroni", "rush": True}, headers=bartender).status_code
    assert [404, 404, 200] == [client.get(placed, headers=who).status_code for who in (bartender, admin, guest)]
    ready = client.get("/readyz")
    assert (200, "degraded") == (ready.status_code, ready.get_json()["status"])
    assert "stale: nobody can act as staff" == ready.get_json()["parts"]["revocations"]
