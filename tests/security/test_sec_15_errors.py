"""Check 15: no answer carries a traceback, SQL, a path or a word of the driver, whatever went wrong."""

import re
from typing import Any

import httpx
import pytest

from dev.postgres import PrivatePostgres
from shakerqueue.failpoints import Failpoint
from tests.support.bar import DEMO_PASSWORD, Bar, sign_in
from tests.support.databases import closed_to_all

INTERNALS = re.compile(
    r"Traceback|File \\?\"|, line \d|\.py\b|site-packages|psycopg|pika|[Ww]erkzeug|[Ff]lask|InjectedFailure|failpoint"
    r"|SELECT |INSERT |UPDATE |DELETE |relation |column \\?\"|constraint|SQLSTATE|DETAIL:|postgres|amqp|127\.0\.0\.1"
)
PROBLEM = "application/problem+json"


@pytest.fixture
def fragile(bar: Bar) -> Bar:
    (bar.folder / "failpoints").mkdir()
    bar.extra_environment = {"FAILPOINTS_DIR": str(bar.folder / "failpoints")}
    return bar


def assert_says_nothing(answer: httpx.Response, status: int) -> None:
    assert (status, PROBLEM) == (answer.status_code, answer.headers["content-type"]), answer.text
    assert not INTERNALS.search(answer.text), answer.text
    assert not INTERNALS.search(str([value for name, value in answer.headers.items() if name != "location"]))


def test_sec_15_an_error_that_nobody_foresaw_says_nothing(fragile: Bar) -> None:
    with fragile.api() as client:
        for point in (Failpoint.PUBLISH, Failpoint.REPLY):
            (fragile.folder / "failpoints" / point).write_text("error")
            answer = client.post("/orders", json={"recipe": "Margarita"}, headers=sign_in(client))
            assert_says_nothing(answer, 500)
            assert "internal_error" == answer.json()["code"]


def test_sec_15_a_broken_schema_says_nothing(bar: Bar) -> None:
    with bar.api() as client:
        guest = sign_in(client)
        bar.change("ALTER TABLE orders RENAME COLUMN ticket TO tickets")
        assert_says_nothing(client.get("/orders", headers=guest), 503)
        bar.change("ALTER TABLE orders RENAME TO gone")
        assert_says_nothing(client.get("/orders", headers=guest), 503)


def test_sec_15_a_database_that_is_away_says_nothing(bar: Bar, postgres: PrivatePostgres) -> None:
    with bar.api() as client:
        guest = sign_in(client)
        with closed_to_all(bar, postgres):
            assert_says_nothing(client.get("/orders", headers=guest), 503)
            login = {"email": "user@example.com", "password": DEMO_PASSWORD}
            assert_says_nothing(client.post("/login", json=login), 503)
            assert not INTERNALS.search(client.get("/readyz").text)


def test_sec_15_what_the_database_refuses_is_not_quoted(bar: Bar) -> None:
    with bar.api() as client:
        bar.change("ALTER TABLE sessions ADD CONSTRAINT refuses_all CHECK (id IS NULL) NOT VALID")
        login = {"email": "user@example.com", "password": DEMO_PASSWORD}
        assert_says_nothing(client.post("/login", json=login), 422)


def test_sec_15_what_a_client_does_wrong_is_told_without_internals(bar: Bar) -> None:
    with bar.api() as client:
        guest = sign_in(client)
        wrong: list[tuple[int, str, str, dict[str, Any]]] = [
            (404, "GET", "/nowhere", {}),
            (404, "GET", "/orders/no-uuid", {}),
            (405, "PUT", "/orders", {}),
            (401, "GET", "/orders", {"headers": {"Authorization": "Bearer x.y.z"}}),
            (401, "GET", "/orders", {"headers": {"Authorization": "Bearer sqk_nothing"}}),
            (403, "GET", "/users", {}),
            (400, "POST", "/orders", {"content": b"{", "headers": {**guest, "Content-Type": "application/json"}}),
            (415, "POST", "/orders", {"content": b"{}", "headers": {**guest, "Content-Type": "text/plain"}}),
            (413, "POST", "/orders", {"json": {"recipe": "x" * 70_000}}),
            (422, "POST", "/orders", {"json": {"recipe": "'; DROP TABLE orders; --"}}),
            (422, "GET", "/orders?limit=-1", {}),
            (422, "GET", "/orders?cursor=x", {}),
            (409, "POST", "/register", {"json": {"username": "admin", "email": "a@b.example", "password": "x" * 12}}),
        ]
        for status, method, path, options in wrong:
            assert_says_nothing(client.request(method, path, **{"headers": guest, **options}), status)
