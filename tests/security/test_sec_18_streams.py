"""Streams of events: no token in the URL, ended within a second of revocation or expiry, filtered, capped."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import uuid4

import httpx
import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import Services
from shakerqueue.api.stream_places import MAX_OF_A_CUSTOMER, STAFFS_SHARE
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.scopes import Scope
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.bar import sign_in as sign_in_over_http
from tests.support.event_streams import STREAM, Headers, following, place
from tests.support.tokens import access_claims
from tests.support.waiting import eventually

END_SECONDS = 1.0
PATIENCE_SECONDS = 10.0  # of a reader, after which a stream that goes on fails the test


@pytest.mark.shares_bar
@pytest.mark.parametrize("name", ["token", "access_token", "jwt", "authorization", "api_key", "key"])
def test_sec_18_no_token_is_taken_from_the_url(client: FlaskClient, guest: Headers, name: str) -> None:
    """It would stand in logs, histories and referrers."""
    token = guest["Authorization"].removeprefix("Bearer ")
    assert 401 == client.get(f"/events?{name}={token}", headers=STREAM).status_code
    refused = client.get(f"/events?{name}={token}", headers={**guest, **STREAM})
    assert (422, [name]) == (refused.status_code, [error["field"] for error in refused.get_json()["errors"]])


@pytest.fixture(scope="module")
def server(shared_bar: Bar) -> Iterator[httpx.Client]:
    """Of two workers."""
    with shared_bar.api() as client:
        yield client


@pytest.fixture
def admin(server: httpx.Client) -> Headers:
    return sign_in_over_http(server, "admin@example.com")


def person(bar: Bar, server: httpx.Client, role: str) -> tuple[object, Headers]:
    """Somebody new of this role: their id, and their sign-in."""
    name = uuid4().hex
    bar.change(
        "INSERT INTO users (username, email, password_hash, role)"
        f" SELECT '{name}', '{name}@example.com', password_hash, '{role}' FROM users WHERE username = 'user'"
    )
    [(user_id,)] = bar.query(f"SELECT id FROM users WHERE username = '{name}'")
    return user_id, sign_in_over_http(server, f"{name}@example.com")


def seconds_until_it_ends(server: httpx.Client, who: Headers, act: Callable[[], float]) -> float:
    """How long after what was done a stream still went on; `act` says when it was done."""
    with httpx.stream(
        "GET", f"{server.base_url}/events", headers={**who, **STREAM}, timeout=PATIENCE_SECONDS
    ) as answer:
        lines = answer.iter_lines()
        assert any(line == "event: ready" for line in lines)
        done_at = act()
        for _ in lines:
            pass
        return monotonic() - done_at


@pytest.mark.alone
@pytest.mark.shares_bar
@pytest.mark.parametrize("how", ["logged out", "demoted", "disabled", "a new password", "key revoked"])
def test_sec_18_a_stream_ends_within_a_second_of_its_revocation(
    bar: Bar, server: httpx.Client, admin: Headers, how: str
) -> None:
    user, who = person(bar, server, "employee")
    if how == "key revoked":
        key = server.post(
            "/api-keys", json={"integration": uuid4().hex, "scopes": ["orders:read"]}, headers=admin
        ).json()
        who = {"Authorization": f"Bearer {key['key']}"}

    def revoke() -> float:
        """On connections of their own: another worker may be the one that is told."""
        alone = {"Connection": "close"}
        match how:
            case "logged out":
                answer = server.post("/logout", headers={**who, **alone})
            case "demoted":
                answer = server.patch(f"/users/{user}", json={"role": "customer"}, headers={**admin, **alone})
            case "disabled":
                answer = server.patch(f"/users/{user}", json={"disabled": True}, headers={**admin, **alone})
            case "a new password":
                change = {"old_password": "password123", "password": "an uncommon phrase"}
                answer = server.patch("/me", json=change, headers={**who, **alone})
            case _:
                answer = server.delete(f"/api-keys/{key['id']}", headers={**admin, **alone})
        assert answer.is_success, answer.text
        return monotonic()

    assert seconds_until_it_ends(server, who, revoke) < END_SECONDS


@pytest.mark.alone
@pytest.mark.shares_bar
@pytest.mark.parametrize("credential", ["token", "key"])
def test_sec_18_a_stream_ends_within_a_second_of_its_expiry(
    bar: Bar, server: httpx.Client, admin: Headers, credential: str
) -> None:
    user, _ = person(bar, server, "customer")
    expires_at = (datetime.now(UTC) + timedelta(seconds=3)).replace(microsecond=0)
    if credential == "token":
        claims = access_claims(sub=str(user), role="customer", sid=str(uuid4()), exp=expires_at)
        secret = jwt.encode(claims, bar.settings.jwt_secret, "HS256")
    else:
        wanted = {"integration": uuid4().hex, "scopes": ["orders:read"], "expires_at": expires_at.isoformat()}
        secret = server.post("/api-keys", json=wanted, headers=admin).json()["key"]

    def expiry() -> float:
        return monotonic() + (expires_at - datetime.now(UTC)).total_seconds()

    late = seconds_until_it_ends(server, {"Authorization": f"Bearer {secret}"}, expiry)
    assert 0 <= late < END_SECONDS


def test_sec_18_a_bartenders_stream_ends_while_nobody_knows_who_was_demoted(
    app: Flask, services: Services, bartender: Headers, guest: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(app, bartender) as staff, following(app, guest) as own:
        eventually(lambda: ["ready"] == staff.names() == own.names())
        monkeypatch.setattr(type(services.revocations), "stale", property(lambda _: True))
        assert staff.ended.wait(2)
        assert not own.ended.is_set()


def test_sec_18_a_guest_sees_own_orders_alone_and_the_staff_sees_all(
    app: Flask, services: Services, guest: Headers, bartender: Headers
) -> None:
    with services.database.transaction() as conn:
        issued = issue_key(conn, add_integration(conn, "till"), scopes=[Scope.ORDERS_READ], expires_at=None)
    pos = {"Authorization": f"Bearer {issued.key}"}
    with following(app, guest) as own, following(app, bartender) as staff, following(app, pos) as program:
        eventually(lambda: ["ready"] == own.names() == staff.names() == program.names())
        others = place(services, "bartender@example.com")
        mine = place(services)
        eventually(lambda: ["ready", "placed", "placed"] == staff.names())
        eventually(lambda: ["ready", "placed"] == own.names())
        assert [str(others.id), str(mine.id)] == [message.data["order_id"] for message in staff.messages[1:]]
        assert str(mine.id) == own.messages[1].data["order_id"]
        assert ["ready"] == program.names()


def open_stream(app: Flask, who: Headers) -> TestResponse:
    return app.test_client().get("/events", headers={**who, **STREAM})


def customer(client: FlaskClient) -> Headers:
    body = {"username": uuid4().hex, "email": f"{uuid4().hex}@example.com", "password": "an uncommon phrase"}
    return {"Authorization": f"Bearer {client.post('/register', json=body).get_json()['token']}"}


def taken(app: Flask, stack: ExitStack, who: Headers, tries: int) -> int:
    """How many streams they get, open until the stack is; those that they do not get are a 503."""
    answers = [stack.enter_context(closing(open_stream(app, who))) for _ in range(tries)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(503, "1")} >= {(answer.status_code, answer.headers.get("Retry-After")) for answer in refused}
    return tries - len(refused)


def test_sec_18_streams_are_capped_and_guests_leave_room_for_the_staff(
    app: Flask, client: FlaskClient, bar: Bar, bartender: Headers
) -> None:
    """A guest with many tabs, or many guests, must not put the bar's boards out."""
    places = bar.settings.streams
    staffs = places // STAFFS_SHARE
    with ExitStack() as stack:
        assert MAX_OF_A_CUSTOMER == taken(app, stack, customer(client), places)
        others = [taken(app, stack, customer(client), MAX_OF_A_CUSTOMER) for _ in range(3)]
        assert places - staffs - MAX_OF_A_CUSTOMER == sum(others)
        assert staffs == taken(app, stack, bartender, places)
    with ExitStack() as stack:  # what was given back can be had again
        assert places == taken(app, stack, bartender, places + 1)


@pytest.mark.shares_bar
def test_sec_18_a_head_of_the_stream_holds_no_place(server: httpx.Client, admin: Headers) -> None:
    """More of them than all workers have places."""
    statuses = {server.head("/events", headers={**admin, **STREAM}).status_code for _ in range(100)}
    assert {200} == statuses


def test_sec_18_who_signed_in_anew_is_somebody_who_may(app: Flask, client: FlaskClient) -> None:
    """A stream ends for good: the same credential opens none again."""
    guest = sign_in(client, "user@example.com")
    with following(app, guest) as reader:
        eventually(lambda: ["ready"] == reader.names())
        client.post("/logout", headers=guest)
        assert reader.ended.wait(PATIENCE_SECONDS)
    assert 401 == open_stream(app, guest).status_code
    with following(app, sign_in(client, "user@example.com")) as reader:
        eventually(lambda: ["ready"] == reader.names())
