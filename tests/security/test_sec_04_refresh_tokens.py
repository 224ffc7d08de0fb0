"""Refresh tokens: hashed, good once, and two hands on one token end the session; at a server of several processes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from secrets import token_bytes

import httpx
import pytest

from shakerqueue.refresh_tokens import RefreshToken, derived_secret
from shakerqueue.sessions import GRACE_SECONDS
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.waiting import eventually

TABS = 20
ABOUT_A_SECOND = 1.5

pytestmark = pytest.mark.shares_bar


@pytest.fixture(scope="module")
def server(shared_bar: Bar) -> Iterator[httpx.Client]:
    """Of two worker processes."""
    with shared_bar.api() as client:
        yield client


@pytest.fixture
def client(bar: Bar, server: httpx.Client) -> httpx.Client:
    """The same for each test, which finds no session."""
    bar.change("DELETE FROM sessions")
    return server


def log_in(client: httpx.Client) -> httpx.Response:
    return client.post("/login", json={"email": "user@example.com", "password": DEMO_PASSWORD})


def refresh(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """On a connection of its own, so that any worker may get it."""
    body = {"refresh_token": answer.json()["refresh_token"]}
    return client.post("/token/refresh", json=body, headers={"Connection": "close"})


def me(client: httpx.Client, answer: httpx.Response) -> int:
    headers = {"Authorization": f"Bearer {answer.json()['token']}", "Connection": "close"}
    return client.get("/me", headers=headers).status_code


def digest(bar: Bar, answer: httpx.Response) -> bytes:
    """What may be stored of a refresh token."""
    token = RefreshToken.parse(derived_secret(bar.settings.jwt_secret), answer.json()["refresh_token"])
    assert sha256(token._bytes).digest() == token.hash
    return token.hash


def test_sec_04_of_twenty_uses_at_once_one_successor_comes_out(bar: Bar, client: httpx.Client) -> None:
    first = log_in(client)
    with ThreadPoolExecutor(TABS) as tabs:
        answers = list(tabs.map(lambda _: refresh(client, first), range(TABS)))

    assert [200] * TABS == [answer.status_code for answer in answers]
    assert 1 == len({answer.json()["refresh_token"] for answer in answers})
    assert {200} == {me(client, answer) for answer in answers}
    # The family is one row with the hash of its current token, and it went one step.
    [family] = bar.query("SELECT token_hash, previous_token_hash, revoked_at FROM sessions")
    assert (digest(bar, answers[0]), digest(bar, first), None) == family


def test_sec_04_neither_a_token_nor_its_successor_is_stored(bar: Bar, client: httpx.Client) -> None:
    first = log_in(client)
    second = refresh(client, first)
    [(stored,)] = bar.query("SELECT sessions::text FROM sessions")
    for answer in (first, second):
        token = RefreshToken.parse(derived_secret(bar.settings.jwt_secret), answer.json()["refresh_token"])
        assert [] == [it for it in (str(token), token.nonce.hex(), token.tag.hex()) if it in str(stored)]


def test_sec_04_within_twenty_seconds_a_lost_answer_can_be_asked_for_again(bar: Bar, client: httpx.Client) -> None:
    assert 20 == GRACE_SECONDS
    first = log_in(client)
    second = refresh(client, first)
    bar.change("UPDATE sessions SET rotated_at = rotated_at - interval '18 seconds'")
    again = refresh(client, first)
    assert second.json()["refresh_token"] == again.json()["refresh_token"]
    assert 200 == refresh(client, again).status_code


def test_sec_04_a_later_reuse_ends_the_family_and_its_access_tokens(bar: Bar, client: httpx.Client) -> None:
    first = log_in(client)
    second = refresh(client, first)
    bar.change("UPDATE sessions SET rotated_at = rotated_at - interval '21 seconds'")

    reuse = refresh(client, first)

    assert (401, "Bearer") == (reuse.status_code, reuse.headers["WWW-Authenticate"])
    assert 401 == refresh(client, second).status_code
    for answer in (first, second):
        eventually(lambda answer=answer: {401} == {me(client, answer) for _ in range(10)}, ABOUT_A_SECOND)  # type: ignore[misc]


def test_sec_04_a_token_that_we_never_made_is_refused_and_ends_nothing(bar: Bar, client: httpx.Client) -> None:
    """Whoever knows a session's id cannot sign anybody out by it."""
    good = log_in(client)
    [(session_id,)] = bar.query("SELECT id FROM sessions")
    forged = str(RefreshToken.first(token_bytes(32), session_id))  # type: ignore[arg-type]
    assert 401 == client.post("/token/refresh", json={"refresh_token": forged}).status_code
    assert 200 == refresh(client, good).status_code
