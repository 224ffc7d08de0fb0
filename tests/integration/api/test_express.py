"""The short way of good orders: it is taken, and whoever orders cannot tell it from the usual one."""

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import uuid4

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.contextvars import get_contextvars
from werkzeug.test import Client, TestResponse

from shakerqueue.api.express import ExpressOrders
from shakerqueue.api.services import Services
from shakerqueue.errors import DataRefused, Unavailable
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.scopes import Scope
from shakerqueue.telemetry.metrics import REQUEST_DURATION

Headers = dict[str, str]
JSON = {"Content-Type": "application/json"}
MARGARITA = b'{"recipe":"Margarita"}'
# What differs between any two answers, whichever way they came.
OWN = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[-0-9a-f]{27}|\d{4}-\d\d-\d\dT[\d:.]+\+00:00|(?<=;r=)\d+|(?<=;t=)\d+")

pytestmark = pytest.mark.shares_bar


class Ways(NamedTuple):
    """The same application, reached by either way."""

    short: Client
    usual: Client


@pytest.fixture
def express(app: Flask) -> ExpressOrders:
    assert isinstance(app.wsgi_app, ExpressOrders)
    return app.wsgi_app


@pytest.fixture
def ways(express: ExpressOrders) -> Ways:
    return Ways(Client(express), Client(express.usual_way))


@pytest.fixture
def till(services: Services) -> Headers:
    """A program of its own for each test: they share a bar."""
    return key_of(services, Scope)


def key_of(services: Services, scopes: Iterable[Scope]) -> Headers:
    with services.database.transaction() as conn:
        issued = issue_key(conn, add_integration(conn, f"till-{uuid4().hex}"), scopes=scopes, expires_at=None)
    return {"Authorization": f"Bearer {issued.key}"}


def told(answer: TestResponse) -> tuple[str, list[tuple[str, str]], str]:
    """Status, headers and body, without what is each answer's own."""
    headers = sorted((name, OWN.sub("·", value)) for name, value in answer.headers)
    return answer.status, headers, OWN.sub("·", answer.text)


def assert_alike(ways: Ways, **request: Any) -> TestResponse:
    """Ask both ways; the answer of the short one."""
    short, usual = (client.post("/orders", **request) for client in ways)
    assert told(usual) == told(short)
    return short


GOOD: dict[str, dict[str, Any]] = {
    "one drink": {"recipe": "Margarita"},
    "lines": {"items": [{"recipe": "mojito", "quantity": 3, "note": "no ice", "modifiers": ["double"]}]},
    "all that may be said": {
        "recipe": "Piña Colada",
        "ticket": "T7",
        "external_id": "check-1",
        "note": "birthday 🎂",
        "rush": False,
    },
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_a_good_order_goes_the_short_way(
    express: ExpressOrders, guest: Headers, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(express, "usual_way")

    assert 202 == Client(express).post("/orders", json=body, headers=guest).status_code


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_a_good_order_is_answered_alike(ways: Ways, guest: Headers, body: dict[str, Any]) -> None:
    assert 202 == assert_alike(ways, json=body, headers=guest).status_code


def test_so_it_is_with_a_key_of_a_program_and_with_a_clients_idempotency_key(
    ways: Ways, express: ExpressOrders, till: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, client in enumerate(ways):
        headers = {**till, "Idempotency-Key": f"round-{number}"}
        assert 202 == client.post("/orders", json=GOOD["lines"], headers=headers).status_code
    monkeypatch.delattr(express, "usual_way")
    headers = {**till, "Idempotency-Key": "round-3"}
    assert 202 == ways.short.post("/orders", json={"recipe": "Negroni", "rush": True}, headers=headers).status_code


def test_both_ways_make_the_same_order_of_the_same_key(ways: Ways, guest: Headers) -> None:
    headers = {**guest, "Idempotency-Key": "either way"}
    short, usual = (client.post("/orders", json=GOOD["lines"], headers=headers) for client in ways)
    assert usual.get_json()["id"] == short.get_json()["id"]


HEADERS: dict[str, Callable[[Headers], Headers]] = {
    "nobody": lambda _: JSON,
    "a made-up token": lambda _: {**JSON, "Authorization": "Bearer made.up.token"},
    "another scheme": lambda _: {**JSON, "Authorization": "Basic dXNlcjpwdw=="},
    "no token": lambda _: {**JSON, "Authorization": "Bearer "},
    "the scheme in small letters, and blanks": lambda guest: {
        **JSON,
        "Authorization": guest["Authorization"].replace("Bearer", "bearer  "),
    },
    "no media type": lambda guest: guest,
    "a media type with a parameter": lambda guest: {**guest, "Content-Type": "application/json; charset=utf-8"},
    "another media type": lambda guest: {**guest, "Content-Type": "text/plain"},
    "an empty key": lambda guest: {**guest, **JSON, "Idempotency-Key": ""},
    "a key with blanks around": lambda guest: {**guest, **JSON, "Idempotency-Key": " a "},
    "an id of the request": lambda guest: {**guest, **JSON, "X-Request-Id": "till-7"},
    "an odd id of the request": lambda guest: {**guest, **JSON, "X-Request-Id": 'a" b'},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_whatever_the_headers_are_the_answers_are_alike(
    ways: Ways, guest: Headers, headers: Callable[[Headers], Headers]
) -> None:
    assert_alike(ways, data=MARGARITA, headers=headers(guest))


def test_the_clients_id_of_the_request_is_given_back(ways: Ways, guest: Headers) -> None:
    answer = ways.short.post("/orders", json=GOOD["one drink"], headers={**guest, "X-Request-Id": "till-7"})
    assert "till-7" == answer.headers["X-Request-Id"]


BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "null": b"null",
    "a name twice": b'{"recipe":"Margarita","recipe":"Mojito"}',
    "NaN": b'{"recipe":NaN}',
    "NUL": b'{"recipe":"Marg\\u0000arita"}',
    "half a surrogate pair": b'{"recipe":"\\ud800"}',
    "too deep": b"[" * 100 + b"]" * 100,
    "not UTF-8": b'{"recipe":"\xff"}',
    "with a byte order mark": b"\xef\xbb\xbf" + MARGARITA,
    "too large": b'{"recipe":"' + b"x" * 70_000 + b'"}',
    "a field too many": b'{"recipe":"Margarita","quantity":2}',
    "both": b'{"recipe":"Margarita","items":[{"recipe":"Mojito"}]}',
    "no such drink": b'{"recipe":"Tap water"}',
    "too many drinks": b'{"items":[{"recipe":"Mojito","quantity":60},{"recipe":"Mojito","quantity":60}]}',
    "a rush of a guest": b'{"recipe":"Margarita","rush":true}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_whatever_the_body_is_the_answers_are_alike(ways: Ways, guest: Headers, body: bytes) -> None:
    assert_alike(ways, data=body, headers={**guest, **JSON})


def test_query_strings_other_methods_and_other_paths_go_theusual_way(ways: Ways, guest: Headers) -> None:
    assert 422 == assert_alike(ways, json=GOOD["one drink"], headers=guest, query_string="dry=1").status_code
    assert 404 == ways.short.post("/orders/", json=GOOD["one drink"], headers=guest).status_code
    assert 200 == ways.short.get("/orders", headers=guest).status_code


def test_a_body_of_unknown_length_goes_theusual_way(ways: Ways, guest: Headers) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert_alike(ways, data=MARGARITA, headers={**guest, **JSON}, environ_overrides=chunked)


def test_whoever_lacks_the_scope_is_told_so_by_either_way(ways: Ways, services: Services) -> None:
    reader = key_of(services, [Scope.ORDERS_READ])
    assert 403 == assert_alike(ways, json=GOOD["one drink"], headers=reader).status_code


lines = st.fixed_dictionaries(
    {"recipe": st.sampled_from(["Margarita", "mojito", "Tap water", ""])},
    optional={
        "quantity": st.sampled_from([1, 2, 100, 101, 0, -1, "2", 1.5, True, None]),
        "note": st.sampled_from(["no ice", "", "x" * 501, None, 7]),
        "modifiers": st.sampled_from([[], ["double"], ["", "x"], ["x"] * 11, "double", None]),
        "price": st.just(1),
    },
)
orders: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "recipe": st.sampled_from(["Margarita", "Piña Colada", "Tap water", "", None, 7]),
        "items": st.lists(lines, max_size=4) | st.none() | st.just({}),
        "ticket": st.sampled_from(["T7", "", "x" * 65, None, 7]),
        "external_id": st.sampled_from(["check-1", "", None]),
        "note": st.sampled_from(["for the birthday girl 🎂", "x" * 501, None]),
        "rush": st.sampled_from([True, False, None, "yes", 1]),
        "status": st.just("complete"),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=orders, by_program=st.booleans())
def test_any_order_is_answered_alike(
    ways: Ways, guest: Headers, till: Headers, order: dict[str, Any], by_program: bool
) -> None:
    assert_alike(ways, data=json.dumps(order), headers={**JSON, **(till if by_program else guest)})


@pytest.mark.parametrize("error", [Unavailable("broker", "gone"), DataRefused("too odd"), OSError("nobody foresaw it")])
def test_an_order_that_is_not_safe_is_tried_once_and_answered_alike(
    ways: Ways, guest: Headers, services: Services, error: Exception
) -> None:
    with patch.object(services.acceptance, "accept", side_effect=error) as accept:
        answer = assert_alike(ways, json=GOOD["one drink"], headers=guest)
    assert (2, "application/problem+json") == (accept.call_count, answer.content_type)
    assert answer.status_code in (422, 500, 503)


def test_each_way_counts_and_tells_a_request_once(ways: Ways, guest: Headers, caplog: pytest.LogCaptureFixture) -> None:
    for client in ways:
        before = observed()
        caplog.clear()
        client.post("/orders", json=GOOD["one drink"], headers=guest)
        [line] = [told for record in caplog.records if (told := event_of(record))["event"] == "request"]
        assert ("POST", "/orders", 202) == (line["method"], line["path"], line["status"])
        assert {"request_id", "principal_id", "order_id", "duration_seconds"} <= set(line)
        assert before + 1 == observed()


def event_of(record: logging.LogRecord) -> dict[str, Any]:
    """What structlog handed to the standard library."""
    return record.msg if isinstance(record.msg, dict) else {"event": record.msg}


def observed() -> float:
    """How many good orders the histogram has seen."""
    labels = {"route": "/orders", "method": "POST", "status": "2xx"}
    samples = (sample for metric in REQUEST_DURATION.collect() for sample in metric.samples)
    counts = (sample for sample in samples if sample.name.endswith("_count"))
    return sum(sample.value for sample in counts if labels.items() <= sample.labels.items())


def test_nothing_of_a_request_is_left_in_its_thread(ways: Ways, guest: Headers) -> None:
    ways.short.post("/orders", json=GOOD["one drink"], headers=guest)
    assert {} == get_contextvars()


def test_the_limit_of_a_principal_holds_across_both_ways(express: ExpressOrders, guest: Headers) -> None:
    lefts = []
    for way in (express, express.usual_way, express):
        answer = Client(way).post("/orders", json=GOOD["one drink"], headers=guest)
        [left] = re.findall(r";r=(\d+)", answer.headers["RateLimit"])
        lefts.append(int(left))
    assert [lefts[0], lefts[0] - 1, lefts[0] - 2] == lefts
