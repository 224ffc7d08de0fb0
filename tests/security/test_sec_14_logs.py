"""Check 14: whatever a client sends is one JSON line, and no token, password or key is in any."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import psycopg
import pytest

from dev.postgres import PrivatePostgres
from shakerqueue.database import running_database
from shakerqueue.errors import DataRefused
from shakerqueue.failpoints import Failpoint
from tests.support.bar import DEMO_PASSWORD, Bar, sign_in
from tests.support.databases import closed_to_all
from tests.support.logs import log_lines, written
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Answer, Receiver, receiver

HOSTILE = 'T7\r\n{"event": "forged"}\r\n\x1b[2J\x1b]0;pwned\x07\u2028\u0085'
SOON = 30.0
PIN, NEW_PASSWORD = "804271", "a-brand-new-password-7"


@pytest.fixture
def talkative(bar: Bar) -> Bar:
    """A bar whose processes log all they can, and fail when a test says so."""
    (bar.folder / "failpoints").mkdir()
    bar.extra_environment = {"LOG_LEVEL": "DEBUG", "FAILPOINTS_DIR": str(bar.folder / "failpoints")}
    return bar


@pytest.fixture
def hook() -> Iterator[Receiver]:
    """A receiver that refuses what it gets first."""
    with receiver() as here:
        here.answer = lambda _: Answer(200 if len(here.received) > 1 else 500)
        yield here


def raw_answer(client: httpx.Client, head: bytes) -> bytes:
    """What comes back for these very bytes."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as connection:
        connection.sendall(head)
        return connection.recv(65536)


@pytest.mark.parametrize("value", [b"a\x1b[31mb", b"a\tb", b"a\x00b", b"a\xff\xfeb", b"a\nX-Forged: 1", b"a" * 5000])
def test_sec_14_a_hostile_request_id_is_replaced_or_refused(shared_bar: Bar, value: bytes) -> None:
    with shared_bar.api() as client:
        answer = raw_answer(
            client, b"GET /menu HTTP/1.1\r\nHost: bar\r\nX-Request-Id: " + value + b"\r\nConnection: close\r\n\r\n"
        )
    lines = [line for line in log_lines(shared_bar) if line["event"] == "request"]
    assert value not in answer
    assert all(line["request_id"].isalnum() or "-" in line["request_id"] for line in lines)


def test_sec_14_whatever_a_client_sends_is_one_line_of_json(talkative: Bar) -> None:
    with talkative.api() as client, talkative.process("consume"), talkative.process("webhooks"):
        guest = sign_in(client)
        order = {"items": [{"recipe": "Margarita", "note": HOSTILE, "modifiers": [HOSTILE]}]}
        said: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/orders", {"json": {**order, "ticket": HOSTILE, "external_id": HOSTILE, "note": HOSTILE}}),
            ("POST", "/orders", {"json": {"recipe": HOSTILE}}),
            ("POST", "/orders", {"json": {HOSTILE: HOSTILE}}),
            ("POST", "/orders", {"content": HOSTILE, "headers": {"Content-Type": "application/json"}}),
            ("POST", "/login", {"json": {"email": HOSTILE, "password": HOSTILE}}),
            (
                "POST",
                "/register",
                {"json": {"username": HOSTILE, "email": f"{HOSTILE}@b.example", "password": HOSTILE}},
            ),
            ("GET", f"/{quote(HOSTILE)}", {}),
            ("GET", f"/orders?{quote(HOSTILE)}={quote(HOSTILE)}", {}),
            ("GET", f"/orders/{quote(HOSTILE)}", {"headers": {"Referer": quote(HOSTILE)}}),
            ("PUT", f"/orders/{quote(HOSTILE)}", {}),
        ]
        for method, path, options in said:
            headers = {**guest, "X-Request-Id": f"sec-14.{len(log_lines(talkative))}", **options.pop("headers", {})}
            answer = client.request(method, path, headers=headers, **options)
            assert answer.status_code < 500, answer.text
            assert 1 == len(requests(talkative, answer.headers["X-Request-Id"])), path
    assert "forged" not in {line["event"] for line in log_lines(talkative)}


def requests(bar: Bar, request_id: str) -> list[dict[str, Any]]:
    """The lines of a request that was answered: they are written before the answer is."""
    return [line for line in log_lines(bar) if (line["event"], line.get("request_id")) == ("request", request_id)]


def test_sec_14_no_secret_is_in_any_log(talkative: Bar, postgres: PrivatePostgres, hook: Receiver) -> None:
    """Every kind of secret is made, used, and used where things fail."""
    secrets: set[str] = set()
    with ExitStack() as stack:
        client = stack.enter_context(talkative.api())
        stack.enter_context(talkative.process("consume"))
        stack.enter_context(talkative.process("webhooks"))
        use_people(client, secrets)
        use_programs(client, secrets, hook)
        use_tables(client, secrets)
        fail_on_purpose(client, talkative, postgres)
        eventually(lambda: len(hook.received) > 1, SOON)
        eventually(lambda: [line for line in log_lines(talkative) if line["event"] == "unhandled_error"], SOON)
    settings = talkative.settings
    secrets |= {settings.jwt_secret, settings.password_pepper, DEMO_PASSWORD}
    secrets |= {url.split("://")[1].split("@")[0] for url in (talkative.database_url, talkative.amqp_url)}
    log = written(talkative).decode()
    assert len(secrets) > 20
    assert [] == [secret for secret in secrets if secret in log]
    assert [] == [line for line in log_lines(talkative) if {"authorization", "cookie", "set-cookie"} & set(line)]


def use_people(client: httpx.Client, secrets: set[str]) -> None:
    """Passwords, access and refresh tokens, cookies, a PIN: good ones, and wrong ones."""
    person = {"username": "ann", "email": "ann@example.com", "password": "the-first-password-7"}
    answer = client.post("/register", json=person).json()
    secrets |= {person["password"], answer["token"], answer["refresh_token"]}
    for body in (
        {"email": person["email"], "password": "wrong-password-7"},
        {"email": "x", "password": [NEW_PASSWORD]},
    ):
        assert client.post("/login", json=body).status_code >= 400
    for _ in range(2):
        answer |= client.post("/token/refresh", json={"refresh_token": answer["refresh_token"]}).json()
        secrets |= {answer["token"], answer["refresh_token"]}
    headers = {"Authorization": f"Bearer {answer['token']}"}
    change = {"old_password": person["password"], "password": NEW_PASSWORD}
    secrets |= {client.patch("/me", json=change, headers=headers).json()["token"], NEW_PASSWORD, "wrong-password-7"}
    client.get("/me", headers={"Authorization": f"Bearer {answer['token']}x"})
    client.get("/me", params={"token": answer["token"]}, headers=headers)
    bartender = sign_in(client, "bartender@example.com")
    assert 204 == client.put("/me/pin", json={"pin": PIN, "password": DEMO_PASSWORD}, headers=bartender).status_code
    client.post("/session/switch", json={"user_id": str(uuid4()), "pin": PIN}, headers=bartender)
    secrets |= {PIN, bartender["Authorization"].split()[1]}
    origin = {"Origin": str(client.base_url), "Sec-Fetch-Site": "same-origin"}
    page = httpx.Client(base_url=client.base_url, headers=origin)
    with page:
        signed_in = page.post("/session", json={"email": "user@example.com", "password": DEMO_PASSWORD})
        assert 200 == signed_in.status_code, signed_in.text
        secrets |= {cookie.value or "" for cookie in page.cookies.jar}
        page.post("/session/refresh")
        secrets |= {cookie.value or "" for cookie in page.cookies.jar}


def use_programs(client: httpx.Client, secrets: set[str], hook: Receiver) -> None:
    """An API key and a webhook's secret, also where they do not belong."""
    admin = sign_in(client, "admin@example.com")
    made = client.post("/api-keys", json={"integration": "till", "scopes": ["orders:write"]}, headers=admin).json()
    secret_part = made["key"].removeprefix(made["prefix"])
    secrets |= {secret_part}
    key = {"Authorization": f"Bearer {made['key']}"}
    assert 202 == client.post("/orders", json={"recipe": "Margarita"}, headers=key).status_code
    assert 403 == client.get("/orders", headers=key).status_code
    assert 404 == client.get(f"/orders/{made['key']}", headers=key).status_code
    assert 404 == client.get(f"/{admin['Authorization'].split()[1]}").status_code
    endpoint = client.post(
        "/webhooks", json={"url": f"{hook.url}?token=of-the-receiver", "types": ["order.placed"]}, headers=admin
    )
    secrets |= {endpoint.json()["secret"].removeprefix("whsec_"), "of-the-receiver"}
    rotated = client.post(f"/webhooks/{endpoint.json()['id']}/rotate", headers=admin)
    assert 200 == rotated.status_code, rotated.text
    secrets.add(rotated.json()["secret"].removeprefix("whsec_"))
    client.post("/orders", json={"recipe": "Margarita"}, headers=key)


def use_tables(client: httpx.Client, secrets: set[str]) -> None:
    """A table's link: followed, followed wrongly, and shown."""
    admin = sign_in(client, "admin@example.com")
    [table] = client.post("/tables", json={"labels": ["T7"]}, headers=admin).json()["tables"]
    link = table["link"].rpartition("/")[2]
    for path in (f"/t/{link}", f"{client.base_url}//t/{link}", f"/t/{link}/", f"/t/{link}?again=1", f"/x/t/{link}"):
        client.get(path)
    client.get("/menu", headers={"Referer": table["link"]})
    client.post("/session/table", json={"link": link}, headers={"Origin": str(client.base_url)})
    secrets.add(link)


def fail_on_purpose(client: httpx.Client, bar: Bar, postgres: PrivatePostgres) -> None:
    """An error that nobody foresaw in API and consumer; rows that PostgreSQL refuses; PostgreSQL itself away."""
    guest = sign_in(client)
    for point in (Failpoint.REPLY, Failpoint.COMMIT):
        (bar.folder / "failpoints" / point).write_text("error")
        client.post("/orders", json={"recipe": "Margarita"}, headers=guest)
    bar.change("ALTER TABLE sessions ADD CONSTRAINT refuses_all CHECK (id IS NULL) NOT VALID")
    assert client.post("/login", json={"email": "user@example.com", "password": DEMO_PASSWORD}).status_code >= 400
    bar.change("ALTER TABLE sessions DROP CONSTRAINT refuses_all")
    with closed_to_all(bar, postgres):
        assert 503 == client.post("/login", json={"email": "user@example.com", "password": DEMO_PASSWORD}).status_code
        client.post("/orders", json={"recipe": "Margarita"}, headers=guest)


def test_sec_14_a_refused_row_is_not_quoted(bar: Bar) -> None:
    """PostgreSQL's DETAIL is the whole row: of users, with the hash of the password."""
    with (
        running_database(bar.database_url, "tests") as database,
        pytest.raises(DataRefused) as refused,
        database.transaction() as conn,
    ):
        conn.execute("UPDATE users SET username = repeat('x', 1000)")
    cause = refused.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert "$2b$" in str(cause.diag.message_detail)
    assert "$2b$" not in f"{cause}{refused.value}"
