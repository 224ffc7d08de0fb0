"""What a page of another site, a cache or an odd method could make of a good sign-in: nothing, on every route."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.callers import Callers

pytestmark = pytest.mark.shares_bar

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
WITHOUT_COOKIE = {"POST /register", "POST /login", "POST /token/refresh"}  # they look at none, and set none
CACHED = ("/static/", "/docs", "/menu", "/openapi.json", "/t/", "/board", "/manager")  # the same for everybody
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


@pytest.fixture(scope="module")
def callers(shared_app: Flask, shared_bar: Bar) -> Callers:
    return Callers(shared_app, shared_bar)


@pytest.fixture
def browser(client: FlaskClient) -> FlaskClient:
    """Signed in as an admin, by cookies."""
    credentials = {"email": "admin@example.com", "password": DEMO_PASSWORD}
    assert 200 == client.post("/session", json=credentials, headers=OWN_PAGE).status_code
    return client


def test_sec_11_no_other_site_changes_anything_by_a_browsers_cookies(browser: FlaskClient, callers: Callers) -> None:
    unsafe = [route for route in callers.views.keys() - WITHOUT_COOKIE if not route.startswith("GET")]
    assert len(unsafe) > 30
    for route in unsafe:
        method, path = route.split(" ", 1)
        for sender in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            answer = browser.open(callers.path(path), method=method, json={}, headers=sender)
            assert (403, "cross_origin") == (answer.status_code, answer.get_json()["code"]), route
    assert "admin" == browser.get("/session").get_json()["role"]


def test_sec_11_no_other_site_may_read_anything(callers: Callers) -> None:
    """No header of CORS is ever sent, not even to a preflight request."""
    asks = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    client = callers.app.test_client()
    for route in callers.views:
        method, path = route.split(" ", 1)
        for each in {method, "OPTIONS"}:
            with client.open(callers.path(path), method=each, headers=asks) as answer:
                assert [] == [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
                assert "same-origin" == answer.headers["Cross-Origin-Resource-Policy"]


@pytest.mark.parametrize("caller", ["anonymous", "owner", "employee", "admin", "key without the scope"])
def test_sec_11_a_head_is_let_in_where_a_get_is(callers: Callers, caller: str) -> None:
    for route in [route for route in callers.views if route.startswith("GET ")]:
        path = callers.path(route.partition(" ")[2])
        headers = callers.headers(route, caller)
        with callers.app.test_client().get(path, headers=headers) as got:
            status = got.status_code
        with callers.app.test_client().head(path, headers=headers) as headed:
            assert (status, b"") == (headed.status_code, headed.data), route


def test_sec_11_a_header_makes_no_other_method_of_a_request(client: FlaskClient, guest: dict[str, str]) -> None:
    for name in OVERRIDES:
        listed = client.post("/orders", json={"recipe": "Motor Oil"}, headers={**guest, name: "GET"})
        assert 422 == listed.status_code
        assert 403 == client.get("/queue", headers={**guest, name: "POST"}).status_code
    for header in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix"):
        assert 403 == client.get("/queue", headers={**guest, header: "/menu"}).status_code


def test_sec_11_no_cache_keeps_what_was_meant_for_somebody(callers: Callers) -> None:
    """Also what is made once, like a key or a secret: those are answers to a POST."""
    for route in callers.views:
        path = route.partition(" ")[2]
        if path != "/" and not path.startswith(CACHED):
            with callers.request(route, "admin", **OWN_PAGE) as answer:
                assert "no-store" == answer.headers["Cache-Control"], route
