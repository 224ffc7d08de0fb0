"""The web pages' session: by cookies that no script reads and no other site can use."""

from collections.abc import Iterator
from dataclasses import replace
from http.cookies import Morsel, SimpleCookie

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import EXTENSION
from shakerqueue.app import create_app
from tests.support.bar import Bar
from tests.support.waiting import eventually

OWN = {"Sec-Fetch-Site": "same-origin"}
BARTENDER = {"email": "bartender@example.com", "password": "password123"}


def sign_in(client: FlaskClient, headers: dict[str, str] | None = None) -> TestResponse:
    return client.post("/session", json=BARTENDER, headers=OWN if headers is None else headers)


def cookies_of(answer: TestResponse) -> dict[str, Morsel[str]]:
    return {
        name: morsel for line in answer.headers.getlist("Set-Cookie") for name, morsel in SimpleCookie(line).items()
    }


def test_a_page_that_is_signed_in_acts_for_its_user_without_ever_seeing_a_token(client: FlaskClient) -> None:
    answer = sign_in(client)
    assert 200 == answer.status_code, answer.text
    assert {"user", "role", "table", "expires_in", "refreshable"} == set(answer.get_json())
    assert ("bartender", "employee") == (answer.get_json()["user"]["username"], answer.get_json()["role"])
    assert 200 == client.get("/queue").status_code
    assert 200 == client.patch("/bar", json={"accepting": True}, headers=OWN).status_code


def test_no_script_and_no_other_site_gets_at_the_cookies(client: FlaskClient) -> None:
    cookies = cookies_of(sign_in(client))
    paths = {name: it["path"] for name, it in cookies.items()}
    assert {"access_token": "/", "refresh_token": "/session", "device": "/"} == paths
    assert [(True, "Strict")] * 3 == [(it["httponly"], it["samesite"]) for it in cookies.values()]


@pytest.fixture
def secure_client(bar: Bar) -> Iterator[FlaskClient]:
    app = create_app(replace(bar.settings, public_url="https://bar.example"))
    services = app.extensions[EXTENSION]
    eventually(lambda: services.menu.loaded and not services.revocations.stale)
    yield app.test_client()
    services.stop()


def test_over_https_the_cookies_are_bound_to_the_host_and_never_travel_in_the_clear(secure_client: FlaskClient) -> None:
    answer = sign_in(secure_client)
    cookies = cookies_of(answer)
    assert {"__Host-access_token", "__Secure-refresh_token", "__Host-device"} == set(cookies)
    assert all(it["secure"] and not it["domain"] for it in cookies.values())
    assert "max-age" in answer.headers["Strict-Transport-Security"]


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://proxied.example"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({}, 403),
    ],
)
def test_what_another_site_makes_a_browser_send_changes_nothing(
    client: FlaskClient, headers: dict[str, str], outcome: int
) -> None:
    sign_in(client)
    assert outcome == client.patch("/bar", json={"accepting": True}, headers=headers).status_code
    assert outcome == client.post("/session/refresh", headers=headers).status_code
    assert outcome == sign_in(client, headers).status_code


def test_no_cache_keeps_what_was_answered_to_somebody(client: FlaskClient) -> None:
    kept = [sign_in(client)] + [client.get(path) for path in ("/session", "/me", "/queue", "/orders", "/no/such/page")]
    assert {"no-store"} == {answer.headers.get("Cache-Control") for answer in kept}


def test_a_header_goes_before_a_cookie(client: FlaskClient) -> None:
    sign_in(client)
    answer = client.get("/queue", headers={"Authorization": "Bearer of.no.token"})
    assert 401 == answer.status_code


def test_a_refresh_goes_on_with_new_cookies(client: FlaskClient) -> None:
    before = cookies_of(sign_in(client))
    answer = client.post("/session/refresh", headers=OWN)
    after = cookies_of(answer)
    assert (200, "bartender") == (answer.status_code, answer.get_json()["user"]["username"])
    assert before["refresh_token"].value != after["refresh_token"].value
    session = client.get("/session").get_json()
    assert ("bartender", "employee") == (session["user"]["username"], session["role"])
    assert 0 < session["expires_in"] <= 900


def test_a_refresh_token_is_taken_from_the_cookie_only(client: FlaskClient) -> None:
    assert 401 == client.post("/session/refresh", headers=OWN).status_code


def test_signing_out_ends_the_session_and_empties_the_browser(app: Flask, client: FlaskClient) -> None:
    sign_in(client)
    thief = app.test_client()
    for name, path in (("access_token", "/"), ("refresh_token", "/session")):
        cookie = client.get_cookie(name, path=path)
        assert cookie is not None
        thief.set_cookie(name, cookie.value, path=path)
    assert 200 == thief.get("/session").status_code
    answer = client.delete("/session", headers=OWN)
    assert [(204, "0"), (204, "0")] == [(answer.status_code, it["max-age"]) for it in cookies_of(answer).values()]
    assert client.get("/session").get_json()["user"] is None
    eventually(lambda: 401 == thief.get("/queue").status_code)
    assert 401 == thief.post("/session/refresh", headers=OWN).status_code


def test_a_wrong_password_opens_nothing(client: FlaskClient) -> None:
    answer = client.post("/session", json={**BARTENDER, "password": "password124"}, headers=OWN)
    assert (401, {}) == (answer.status_code, cookies_of(answer))


def test_a_browser_learns_whether_it_can_be_signed_in_again(client: FlaskClient) -> None:
    nobody = {"user": None, "role": None, "table": None, "expires_in": None}
    assert {**nobody, "refreshable": False} == client.get("/session").get_json()
    sign_in(client)
    client.delete_cookie("access_token")
    assert {**nobody, "refreshable": True} == client.get("/session").get_json()
