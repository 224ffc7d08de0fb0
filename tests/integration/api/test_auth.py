"""Signing in, and what a token is worth."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import psycopg
import pytest
from flask.testing import FlaskClient

from tests.support.bar import Bar

NOWHERE = "/orders/00000000-0000-8000-8000-000000000000"


def claims(**changes: Any) -> dict[str, Any]:
    """The usual claims with changes: None leaves one out, a time is counted from now."""
    now = datetime.now(UTC)
    usual = {
        "iss": "shakerqueue",
        "aud": "shakerqueue-api",
        "sub": "0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11",
        "type": "access",
        "role": "admin",
        "epoch": 1,
        "sid": "7c1d6d0e-2f0b-4c88-8f6e-3d2a8c1b5e42",
        "jti": "one",
        "fresh": False,
        "iat": now,
        "nbf": now,
        "exp": timedelta(minutes=5),
    }
    chosen = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    return {name: now + value if isinstance(value, timedelta) else value for name, value in chosen.items()}


def status_with(client: FlaskClient, token: str) -> int:
    return client.get(NOWHERE, headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.shares_bar
def test_the_answer_is_the_readmes_with_more_fields(client: FlaskClient) -> None:
    answer = client.post("/login", json={"email": "User@Example.com", "password": "password123"})

    assert 200 == answer.status_code
    body = answer.get_json()
    assert {"user", "token", "expires_in", "refresh_token"} == set(body)
    assert {"username": "user", "email": "user@example.com", "role": "customer"} == {
        name: value for name, value in body["user"].items() if name != "id"
    }
    assert 404 == status_with(client, body["token"])  # let in, and nothing there


@pytest.mark.parametrize(
    ("email", "password"),
    [("user@example.com", "wrong"), ("nobody@example.com", "password123"), ("admin@example.com", "password123")],
    ids=["wrong password", "unknown", "disabled"],
)
def test_whoever_may_not_in_gets_one_and_the_same_answer(
    client: FlaskClient, bar: Bar, email: str, password: str
) -> None:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE users SET disabled_at = now() WHERE username = 'admin'")

    answer = client.post("/login", json={"email": email, "password": password})

    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
    assert ("unauthorized", "Address and password do not fit.") == (
        answer.get_json()["code"],
        answer.get_json()["detail"],
    )


@pytest.mark.shares_bar
def test_a_token_of_our_own_making_is_let_in(client: FlaskClient, bar: Bar) -> None:
    """The tests below change one thing each; this one shows that the rest of them is right."""
    assert 404 == status_with(client, jwt.encode(claims(), bar.settings.jwt_secret, "HS256"))


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone else"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": None},
        {"type": "refresh"},
        {"exp": timedelta(seconds=-1)},
        {"exp": None},
        {"nbf": timedelta(minutes=5)},
        {"role": "owner"},
        {"role": None},
        {"sub": "somebody"},
        {"sub": None},
        {"sid": "a session"},
        {"sid": 7},
        {"sid": None},
        {"epoch": "latest"},
        {"epoch": None},
    ],
    ids=str,
)
def test_a_token_that_says_anything_else_is_not(client: FlaskClient, bar: Bar, changes: dict[str, Any]) -> None:
    assert 401 == status_with(client, jwt.encode(claims(**changes), bar.settings.jwt_secret, "HS256"))


@pytest.mark.shares_bar
def test_a_token_signed_otherwise_is_not_let_in(client: FlaskClient, bar: Bar) -> None:
    secret = bar.settings.jwt_secret
    good = jwt.encode(claims(), secret, "HS256")
    header, payload, signature = good.split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims_of(payload), "role": "employee"}).encode()).decode()
    tokens = [
        jwt.encode(claims(), "another secret that is long enough", "HS256"),
        jwt.encode(claims(), secret + secret, "HS512"),
        jwt.encode(claims(), "", "none"),
        f"{header}.{forged.rstrip('=')}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        "gibberish",
        "ü",
    ]
    assert [401] * len(tokens) == [status_with(client, token) for token in tokens]


def claims_of(payload: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return decoded


def test_a_remembered_token_ends_when_it_expires(
    client: FlaskClient, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = jwt.encode(claims(), bar.settings.jwt_secret, "HS256")
    assert 404 == status_with(client, token)

    later = datetime.now(UTC).timestamp() + 301
    monkeypatch.setattr("shakerqueue.api.tokens.time", lambda: later)

    assert 401 == status_with(client, token)


@pytest.mark.shares_bar
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpw", "token"])
def test_without_a_bearer_token_the_answer_is_401_and_not_400(client: FlaskClient, header: str | None) -> None:
    answer = client.get(NOWHERE, headers={"Authorization": header} if header is not None else {})
    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
