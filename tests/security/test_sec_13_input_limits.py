"""What is too long, too deep or read differently by two readers is refused, on every route that takes a body."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api.json_bodies import MAX_BODY_BYTES
from shakerqueue.api.order_batches import MAX_BATCH_BYTES
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.bar import sign_in as sign_in_over_http
from tests.support.callers import Callers
from tests.support.operations import with_body, with_parameter
from tests.support.waiting import eventually

BATCH = "POST /orders/batch"
LISTS_AT_MOST = 200
QUEUE_AT_MOST = 500  # all that waits at a bar: the board shows it whole
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
JSON = "application/json"

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar

NOT_JSON_AS_WE_TAKE_IT = {
    "cut off": b'{"recipe":',
    "NaN": b'{"recipe":NaN}',
    "infinite": b'{"recipe":[-Infinity]}',
    "the same name twice": b'{"recipe":"Margarita","recipe":"Negroni"}',
    "the same name twice, escaped": b'{"recipe":"Margarita","r\\u0065cipe":"Negroni"}',
    "the same name twice, inside": b'{"items":[{"recipe":"Margarita","recipe":"Negroni"}]}',
    "NUL": b'{"recipe":"Marga\\u0000rita"}',
    "NUL in a name": b'{"recipe\\u0000":"Margarita"}',
    "NUL as it is": b'{"recipe":"Marga\0rita"}',
    "half a surrogate pair": b'{"recipe":"\\ud83c"}',
    "17 deep": b'{"recipe":' + b"[" * 17 + b"]" * 17 + b"}",
    "30,000 deep": b'{"recipe":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "30,000 deep and cut off": b'{"recipe":' + b'{"a":' * 10_000,
    "a number of 5,000 digits": b'{"recipe":' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"recipe":"\xff"}',
    "UTF-16": '{"recipe":"Margarita"}'.encode("utf-16"),
    "UTF-16 without a mark": '{"recipe":"Margarita"}'.encode("utf-16-le"),
    "UTF-32": '{"recipe":"Margarita"}'.encode("utf-32"),
    "two of them": b"{}{}",
}


@pytest.fixture(scope="module")
def callers(shared_app: Flask, shared_bar: Bar) -> Callers:
    return Callers(shared_app, shared_bar)


def send(callers: Callers, route: str, data: bytes, content_type: str = JSON) -> tuple[int, str]:
    method, path = route.split(" ", 1)
    headers = {**callers.headers(route, "admin"), **OWN_PAGE}
    answer = callers.app.test_client().open(
        callers.path(path), method=method, data=data, content_type=content_type, headers=headers
    )
    return answer.status_code, answer.content_type


@pytest.mark.parametrize("route", with_body())
def test_sec_13_what_is_not_json_as_we_take_it_is_a_400_on_every_route(callers: Callers, route: str) -> None:
    answers = {name: send(callers, route, data) for name, data in NOT_JSON_AS_WE_TAKE_IT.items()}
    assert dict.fromkeys(answers, (400, "application/problem+json")) == answers


@pytest.mark.parametrize("route", with_body())
def test_sec_13_a_body_above_its_limit_is_a_413_on_every_route(callers: Callers, route: str) -> None:
    limit = MAX_BATCH_BYTES if route == BATCH else MAX_BODY_BYTES
    assert (413, "application/problem+json") == send(callers, route, b'{"recipe":"'.ljust(limit + 1, b"x"))
    assert 413 != send(callers, route, b"{}".ljust(limit))[0]


def test_sec_13_the_limit_is_64_kib_and_a_batch_has_room_for_its_hundred_orders() -> None:
    assert (64 * 1024, 1024 * 1024) == (MAX_BODY_BYTES, MAX_BATCH_BYTES)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_sec_13_what_is_not_called_json_is_a_415(callers: Callers, content_type: str) -> None:
    """Such a request is what a form on another site's page can send."""
    assert 415 == send(callers, "POST /orders", b'{"recipe":"Margarita"}', content_type)[0]


def test_sec_13_nothing_of_it_was_queued(bar: Bar, callers: Callers) -> None:
    for data in NOT_JSON_AS_WE_TAKE_IT.values():
        send(callers, "POST /orders", data)
    assert 0 == bar.queue_length(bar.topology.orders_queue)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"recipe":"Margarita"}' + b" " * 65_600, 413),
        (b'{"recipe":"Margarita"}'.ljust(65_536) + b"!!garbage!!", 413),
        (b" " * 10_000_000, 413),
        (b'{"recipe":"Motor Oil"}', 422),
    ],
    ids=["padded", "garbage behind the limit", "10 MB", "small"],
)
def test_sec_13_a_chunked_body_is_bounded_like_any_other(
    client: FlaskClient, guest: Headers, bar: Bar, body: bytes, status: int
) -> None:
    answer = client.post(
        "/orders",
        input_stream=BytesIO(body),
        headers={**guest, "Transfer-Encoding": "chunked", "Content-Type": JSON},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert status == answer.status_code
    assert 0 == bar.queue_length(bar.topology.orders_queue)


@pytest.mark.parametrize(("route", "schema"), with_parameter("limit"), ids=str)
def test_sec_13_pages_have_a_greatest_size(callers: Callers, route: str, schema: dict[str, Any]) -> None:
    most = schema["maximum"]
    assert most <= (QUEUE_AT_MOST if route == "GET /queue" else LISTS_AT_MOST)
    for limit in (most + 1, 10**9, 10**18, "9" * 400, 0, -1, "1e2", "٣", "%00"):
        answer = callers.request(route, "admin", f"?limit={limit}")
        assert (422, ["limit"]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


def test_sec_13_no_list_is_longer_than_its_page(client: FlaskClient, bar: Bar) -> None:
    bar.change(
        "INSERT INTO users (username, email, password_hash, role)"
        " SELECT 'guest ' || n, n || '@example.com', 'x', 'customer' FROM generate_series(1, 250) AS n"
    )
    admin = sign_in(client, "admin@example.com")
    sizes = [len(client.get(f"/users{query}", headers=admin).get_json()["users"]) for query in ("", "?limit=200")]
    assert [50, 200] == sizes


@pytest.fixture(scope="module")
def server(shared_bar: Bar) -> Iterator[httpx.Client]:
    with shared_bar.api() as client:
        yield client


def chunks(total_bytes: int) -> Iterator[bytes]:
    yield b'{"recipe":"Margarita"}'
    for _ in range(total_bytes // 8192):
        yield b" " * 8192


@pytest.mark.parametrize(
    ("path", "total_bytes"), [("/orders", 65_600), ("/orders", 20_000_000), ("/orders/batch", 1_100_000)]
)
def test_sec_13_a_real_server_ends_a_chunked_body_at_the_limit(
    server: httpx.Client, path: str, total_bytes: int
) -> None:
    staff = sign_in_over_http(server, "bartender@example.com")
    headers = {**staff, "Content-Type": JSON}
    assert 413 == server.post(path, content=chunks(total_bytes), headers=headers).status_code
    assert 202 == server.post("/orders", json={"recipe": "Margarita"}, headers=staff).status_code


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Long": "a" * 1_000_000},
        {f"X-{number}": "a" for number in range(500)},
        {"Authorization": "Bearer " + "a" * 60_000},
        {"Authorization": "Bearer " + "a." * 30_000},
        {"Cookie": "access_token=" + "a" * 60_000},
        {"If-None-Match": '"a",' * 10_000},
        {"Accept": "a/b;q=0.1," * 5_000},
        {"Idempotency-Key": "a" * 60_000},
        {"Last-Event-ID": "9" * 60_000},
    ],
    ids=lambda headers: f"{len(headers)} {next(iter(headers))}",
)
def test_sec_13_a_real_server_survives_long_headers(server: httpx.Client, headers: Headers) -> None:
    try:
        status = server.post("/orders", json={"recipe": "Margarita"}, headers=headers).status_code
    except httpx.TransportError:  # hung up in the middle of it, which is as good
        status = 431
    assert 400 <= status < 500
    eventually(lambda: 200 == server.get("/livez").status_code)


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 60_000,
        "/orders/" + "9" * 60_000,
        "/t/" + "a" * 60_000,
        "/static/x/" + "a" * 60_000,
        "/static/x/%00",
        "/static/x/..%2f..%2fapp.py",
        "/static/x/%2fetc%2fpasswd",
        "/docs/x/..%2f__init__.py",
        "/admin/dead-letters/%ff%00",
        "/%ed%a0%80",
        "/menu?" + "a=b&" * 10_000,
    ],
    ids=lambda path: path[:30],
)
def test_sec_13_a_real_server_answers_no_odd_path_with_a_5xx_or_a_file(server: httpx.Client, path: str) -> None:
    answer = server.get(path, follow_redirects=True)
    assert 400 <= answer.status_code < 500 or path.startswith("/t/")  # a page, which opens nothing with it
    assert server.base_url.host == answer.url.host
    assert "import " not in answer.text
