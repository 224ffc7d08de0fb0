"""What the lines of a request say of it: who asked for what, and nothing of anybody else's request."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from structlog.contextvars import get_contextvars

from shakerqueue.api.services import Services
from shakerqueue.errors import Unavailable
from tests.support.application import sign_in
from tests.support.bar import Bar

Headers = dict[str, str]
Line = dict[str, Any]
Lines = Callable[[], list[Line]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Lines:
    """What was logged of requests since the last call."""

    def since_last() -> list[Line]:
        told = [
            dict(record.msg) for record in caplog.records if isinstance(record.msg, dict) and "request_id" in record.msg
        ]
        caplog.clear()
        return told

    return since_last


def user_id(bar: Bar, email: str) -> str:
    return str(bar.query(f"SELECT id FROM users WHERE email = '{email}'")[0][0])


@pytest.mark.shares_bar
def test_every_line_of_a_request_says_whose_and_of_which_order(
    bar: Bar, client: FlaskClient, guest: Headers, services: Services, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def away(*_: object, **__: object) -> object:
        raise Unavailable("database", "away")

    monkeypatch.setattr(type(services.database), "connection", away)
    order_id = str(uuid4())
    lines()
    client.get(f"/orders/{order_id}", headers={**guest, "X-Request-Id": "till-7.1"})
    expected = {"request_id": "till-7.1", "principal_id": user_id(bar, "user@example.com"), "order_id": order_id}
    told = lines()
    assert ["answered_unavailable", "request"] == [line["event"] for line in told]
    assert [expected] * 2 == [{name: line[name] for name in expected} for line in told]


@pytest.mark.shares_bar
def test_a_placed_order_is_named(client: FlaskClient, guest: Headers, lines: Lines) -> None:
    placed = client.post("/orders", json={"recipe": "Margarita"}, headers=guest).get_json()
    assert [placed["id"]] == [line["order_id"] for line in lines() if line.get("path") == "/orders"]


@pytest.mark.shares_bar
def test_the_orders_of_a_batch_are_named(client: FlaskClient, pos: Headers, lines: Lines) -> None:
    orders = [{"idempotency_key": uuid4().hex, "recipe": "Margarita"} for _ in range(2)]
    placed = client.post("/orders/batch", json={"orders": orders}, headers=pos).get_json()["orders"]
    [line] = [line for line in lines() if line["event"] == "request"]
    assert [one["order"]["id"] for one in placed] == line["order_ids"]


def test_a_program_is_named_by_its_integration_and_its_key(
    bar: Bar, client: FlaskClient, pos: Headers, lines: Lines
) -> None:
    lines()
    client.get("/orders", headers=pos)
    [line] = lines()
    assert [(line["principal_id"], line["api_key_id"])] == bar.query(
        "SELECT integration_id::text, id::text FROM api_keys ORDER BY created_at DESC LIMIT 1"
    )


@pytest.mark.shares_bar
def test_who_is_refused_is_named(bar: Bar, client: FlaskClient, guest: Headers, lines: Lines) -> None:
    lines()
    assert 403 == client.get("/users", headers=guest).status_code
    assert [user_id(bar, "user@example.com")] == [line["principal_id"] for line in lines()]


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", "/nowhere", {}, HTTPStatus.NOT_FOUND),
        ("PUT", "/orders", {}, HTTPStatus.METHOD_NOT_ALLOWED),
        ("BREW", "/orders", {}, HTTPStatus.METHOD_NOT_ALLOWED),
        ("POST", "/login", {"data": b"x" * 70_000, "content_type": "application/json"}, 413),
        ("POST", "/login", {"data": b"{", "content_type": "application/json"}, HTTPStatus.BAD_REQUEST),
        ("GET", "/orders", {}, HTTPStatus.UNAUTHORIZED),
    ],
)
def test_what_no_view_ever_sees_has_its_line(
    app: Flask, lines: Lines, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = FlaskClient(app, app.response_class).open(path, method=method, **options)  # the contract knows no BREW
    [line] = [line for line in lines() if line["event"] == "request"]
    assert (method, path, status) == (line["method"], line["path"], line["status"])
    assert answer.headers["X-Request-Id"] == line["request_id"]


@pytest.mark.shares_bar
def test_nobody_fills_the_log_with_one_request(app: Flask, lines: Lines) -> None:
    client = FlaskClient(app, app.response_class)
    client.open(f"/{'a' * 60_000}", method="B" * 60_000)
    [line] = lines()
    assert (f"/{'a' * 499}…", f"{'B' * 500}…") == (line["path"], line["method"])


@pytest.mark.shares_bar
def test_nothing_of_a_request_is_left_for_the_next_one_in_its_thread(
    app: Flask, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FlaskClient(app, app.response_class)  # no contract has a 500
    bartender = sign_in(client, "bartender@example.com")
    client.get(f"/orders/{uuid4()}", headers=bartender)
    assert {} == get_contextvars()

    monkeypatch.setattr("shakerqueue.api.orders.visible_order", lambda *_: 1 / 0)
    assert 500 == client.get(f"/orders/{uuid4()}", headers=bartender).status_code
    assert {} == get_contextvars()

    lines()
    client.get("/menu")
    [line] = lines()
    assert {"principal_id", "order_id"}.isdisjoint(line)


@pytest.mark.shares_bar
def test_the_end_of_a_stream_is_told_of_the_request_that_asked_for_it(
    client: FlaskClient, guest: Headers, bartender: Headers, lines: Lines
) -> None:
    lines()
    stream = client.get("/events", headers={**guest, "X-Request-Id": "stream-1"}, buffered=False)
    [began] = lines()
    client.get("/queue", headers=bartender)
    lines()
    stream.close()
    [ended] = lines()
    assert ("request", 200, "stream_ended") == (began["event"], began["status"], ended["event"])
    assert ("stream-1", began["principal_id"]) == (ended["request_id"], ended["principal_id"])
    assert {} == get_contextvars()
