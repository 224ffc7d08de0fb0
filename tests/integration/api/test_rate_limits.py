"""How often somebody may ask: who is counted together, what the answers say of it, and what is never counted."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api import rate_limits
from shakerqueue.api.rate_limits import network_of
from shakerqueue.api.services import Services
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.scopes import Scope
from tests.support.application import running_app, sign_in
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.rate_limits import LIMITS, LONG_SECONDS, TightCounts, tighten

Headers = dict[str, str]
OWN = {"Sec-Fetch-Site": "same-origin"}
MADE_UP = {"Authorization": "Bearer made.up.token"}

pytestmark = pytest.mark.shares_bar


@pytest.fixture
def tight(app: Flask, guest: Headers, bartender: Headers) -> TightCounts:
    """Tight limits; those who are signed in for the test were so before."""
    return tighten(app)


def statuses(client: FlaskClient, path: str, count: int, headers: Headers | None = None) -> list[int]:
    return [client.get(path, headers=headers, buffered=True).status_code for _ in range(count)]


def used_up(client: FlaskClient, path: str, limit: int, headers: Headers | None = None) -> TestResponse:
    """The first answer that is refused, after as many as the limit lets through."""
    assert 429 not in statuses(client, path, limit, headers)
    answer = client.get(path, headers=headers)
    assert 429 == answer.status_code
    return answer


@pytest.mark.usefixtures("tight")
def test_whoever_asks_too_often_is_told_when_to_go_on(client: FlaskClient, guest: Headers) -> None:
    answer = used_up(client, "/orders", LIMITS["principal"], guest)
    assert "too_many_requests" == answer.get_json()["code"]
    assert "application/problem+json" == answer.mimetype
    assert 1 <= int(answer.headers["Retry-After"]) <= LONG_SECONDS
    assert f'"principal";r=0;t={answer.headers["Retry-After"]}' == answer.headers["RateLimit"]


@pytest.mark.usefixtures("tight")
def test_every_counted_answer_tells_what_is_left(client: FlaskClient, guest: Headers) -> None:
    answers = [client.get("/orders", headers=guest), client.get("/users", headers=guest), client.get("/menu")]
    assert [200, 403, 200] == [answer.status_code for answer in answers]
    assert ['"principal";r=4', '"principal";r=3', '"address";r=7'] == [
        answer.headers["RateLimit"].rpartition(";")[0] for answer in answers
    ]
    assert f'"address";q=8;w={LONG_SECONDS}' == answers[2].headers["RateLimit-Policy"]


@pytest.mark.usefixtures("tight")
def test_people_behind_one_address_are_counted_each_for_themselves(
    client: FlaskClient, guest: Headers, bartender: Headers
) -> None:
    used_up(client, "/orders", LIMITS["principal"], guest)
    assert 200 == client.get("/orders", headers=bartender).status_code
    assert 200 == client.get("/menu").status_code


@pytest.mark.usefixtures("tight")
def test_the_same_person_is_counted_together_wherever_they_come_from(app: Flask, guest: Headers) -> None:
    used_up(app.test_client(), "/orders", LIMITS["principal"], guest)
    assert 429 == app.test_client().get("/orders", headers=guest).status_code


@pytest.mark.usefixtures("tight")
def test_another_sign_in_of_the_same_person_has_no_count_of_its_own(
    app: Flask, client: FlaskClient, guest: Headers
) -> None:
    used_up(client, "/orders", LIMITS["principal"], guest)
    assert 429 == client.get("/orders", headers=sign_in(app.test_client(), "user@example.com")).status_code


@pytest.mark.usefixtures("tight")
def test_each_key_of_a_program_is_counted_for_itself(client: FlaskClient, services: Services) -> None:
    with services.database.transaction() as conn:
        program = add_integration(conn, f"till {id(client)}")
        keys = [issue_key(conn, program, scopes=Scope, expires_at=None) for _ in range(2)]
    one, other = ({"Authorization": f"Bearer {issued.key}"} for issued in keys)
    used_up(client, "/orders", LIMITS["principal"], one)
    assert 200 == client.get("/orders", headers=other).status_code


@pytest.mark.usefixtures("tight")
def test_made_up_tokens_are_counted_by_address_however_many_there_are(app: Flask, client: FlaskClient) -> None:
    for number in range(LIMITS["address"]):
        token = {"Authorization": f"Bearer made.up.{number}"}
        assert 401 == client.get("/orders", headers=token).status_code
    assert 429 == client.get("/orders", headers=MADE_UP).status_code
    assert 429 == client.get("/menu").status_code
    assert 401 == app.test_client().get("/orders", headers=MADE_UP).status_code  # from somewhere else


@pytest.mark.usefixtures("tight")
def test_a_made_up_token_takes_nothing_from_whom_it_names(client: FlaskClient, guest: Headers) -> None:
    head, body, tag = guest["Authorization"].split(".")
    forged = {"Authorization": f"{head}.{body}.{tag[::-1]}"}
    assert [401] * LIMITS["address"] == statuses(client, "/orders", LIMITS["address"], forged)
    used_up(client, "/orders", LIMITS["principal"], guest)  # all of theirs are left


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/login", {"email": "user@example.com"}, {}),
        ("/register", {"username": "ada"}, {}),
        ("/token/refresh", {"refresh_token": "none"}, {}),
        ("/session", {"email": "user@example.com"}, OWN),
        ("/session/table", {"link": "none"}, OWN),
        ("/session/refresh", {}, OWN),
    ],
)
def test_where_somebody_signs_in_few_tries_are_let_through(
    client: FlaskClient, path: str, body: dict[str, str], headers: Headers
) -> None:
    answers = [client.post(path, json=body, headers=headers).status_code for _ in range(4)]
    assert [429] == answers[3:]
    assert 429 not in answers[:3]
    assert 200 == client.get("/menu").status_code


@pytest.fixture
def noisy(app: Flask, client: FlaskClient) -> FlaskClient:
    """Somebody with a script, behind the same address as `client`."""
    noisy = app.test_client()
    noisy.environ_base["REMOTE_ADDR"] = client.environ_base["REMOTE_ADDR"]
    return noisy


def test_whoever_is_signed_in_sees_what_all_may_see_whatever_their_neighbours_do(
    app: Flask, client: FlaskClient, noisy: FlaskClient, pos: Headers, guest: Headers
) -> None:
    client.post("/session", json={"email": "bartender@example.com", "password": DEMO_PASSWORD}, headers=OWN)
    for path in ("/menu", "/bar", "/session", "/", "/board"):
        tighten(app)
        used_up(noisy, path, LIMITS["address"])
        assert [200] * 3 == [
            client.get(path).status_code,
            *(noisy.get(path, headers=it).status_code for it in (pos, guest)),
        ]
        assert '"principal";r=3' == noisy.get(path, headers=pos).headers["RateLimit"].rpartition(";")[0]


def test_a_board_stays_signed_in_whatever_its_neighbours_do(
    app: Flask, client: FlaskClient, noisy: FlaskClient
) -> None:
    client.post("/session", json={"email": "bartender@example.com", "password": DEMO_PASSWORD}, headers=OWN)
    tighten(app)
    assert 429 in [noisy.post("/session/refresh", headers=OWN).status_code for _ in range(4)]
    assert 200 == client.post("/session/refresh", headers=OWN).status_code


def test_a_session_is_counted_together_by_whichever_token_it_is_refreshed(app: Flask, client: FlaskClient) -> None:
    client.post("/session", json={"email": "user@example.com", "password": DEMO_PASSWORD}, headers=OWN)
    tighten(app)
    statuses = [client.post("/session/refresh", headers=OWN).status_code for _ in range(LIMITS["session"] + 1)]
    assert [200] * LIMITS["session"] + [429] == statuses


@pytest.mark.parametrize(("path", "headers"), [("/login", {}), ("/session", OWN)])
def test_who_signs_in_on_a_device_of_theirs_is_not_held_up_by_their_neighbours(
    app: Flask, client: FlaskClient, noisy: FlaskClient, path: str, headers: Headers
) -> None:
    signs_in = {"email": "bartender@example.com", "password": DEMO_PASSWORD}
    client.post("/login", json=signs_in)
    tighten(app)
    noisy.set_cookie("device", "a" * 22 + "." + "b" * 22)
    assert [429] == [noisy.post(path, json={}, headers=headers).status_code for _ in range(4)][3:]
    assert [200] * LIMITS["sign-in"] + [429] == [
        client.post(path, json=signs_in, headers=headers).status_code for _ in range(LIMITS["sign-in"] + 1)
    ]


@pytest.mark.usefixtures("tight")
def test_a_batch_is_one_request_and_so_is_a_stream(client: FlaskClient, bartender: Headers) -> None:
    orders = [{"recipe": "Negroni", "idempotency_key": f"one-{number}"} for number in range(10)]
    answer = client.post("/orders/batch", json={"orders": orders}, headers=bartender)
    assert '"principal";r=4' == answer.headers["RateLimit"].rpartition(";")[0]
    stream = client.get("/events", headers=bartender | {"Accept": "text/event-stream"})
    assert '"principal";r=3' == stream.headers["RateLimit"].rpartition(";")[0]
    stream.close()


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/static/any/guest/guest.js"])
def test_what_machines_ask_all_the_time_is_not_counted(client: FlaskClient, path: str) -> None:
    assert [200] * 20 == statuses(client, path, 20)
    assert "RateLimit" not in client.get(path, buffered=True).headers


@pytest.mark.usefixtures("tight")
@pytest.mark.parametrize("path", ["/", "/board", "/docs", "/openapi.json"])
def test_pages_and_documents_are_counted_by_address(client: FlaskClient, path: str) -> None:
    used_up(client, path, LIMITS["address"])


@pytest.mark.usefixtures("tight")
def test_neighbours_in_an_ipv6_network_are_one_client(app: Flask) -> None:
    client = app.test_client()
    for number in range(LIMITS["address"]):
        where = {"REMOTE_ADDR": f"2001:db8:1:2::{number:x}"}
        assert 200 == client.get("/menu", environ_base=where).status_code
    assert 429 == client.get("/menu", environ_base={"REMOTE_ADDR": "2001:db8:1:2:ffff::1"}).status_code
    assert 200 == client.get("/menu", environ_base={"REMOTE_ADDR": "2001:db8:1:3::1"}).status_code


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("192.0.2.7:50123", "192.0.2.7"),
        ("[2001:db8:1:2:3:4:5:6]:50123", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3:4:5:6]", "2001:db8:1:2::/64"),
        ("[::ffff:192.0.2.7]:50123", "192.0.2.7"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_an_address_stands_for_what_one_client_can_have(address: str, network: str) -> None:
    assert network == network_of(address)


def test_a_busy_night_is_left_alone() -> None:
    """500 guests behind one address who ask for two things every five seconds, and all come back at once."""
    guests, asked, seconds = 500, 2, 5
    address, session = rate_limits.ADDRESS, rate_limits.SESSION
    assert 2 * guests * asked * address.window_seconds / seconds < address.limit
    assert 2 * guests < session.limit
    assert 100 == rate_limits.PRINCIPAL.limit / rate_limits.PRINCIPAL.window_seconds


def test_with_limits_off_nothing_is_counted_or_told(bar: Bar) -> None:
    with running_app(bar, rate_limits=False) as app:
        answer = app.test_client().get("/menu")
    assert 200 == answer.status_code
    assert "RateLimit" not in answer.headers
