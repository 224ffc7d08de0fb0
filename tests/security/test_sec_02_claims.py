"""What a token must say: who made it, for whom, as what, and for how long."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.tokens import LET_IN, access_claims, status_with


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone else"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": None},
        {"type": "refresh"},
        {"type": None},
        {"exp": timedelta(seconds=-1)},
        {"exp": None},
        {"nbf": timedelta(minutes=5)},
        {"iat": timedelta(minutes=5)},
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
def test_sec_02_a_token_that_says_anything_else_is_not_let_in(
    client: FlaskClient, bar: Bar, changes: dict[str, Any]
) -> None:
    assert 401 == status_with(client, jwt.encode(access_claims(**changes), bar.settings.jwt_secret, "HS256"))


@pytest.mark.shares_bar
def test_sec_02_neither_kind_of_token_stands_for_the_other(client: FlaskClient) -> None:
    tokens = client.post("/login", json={"email": "user@example.com", "password": DEMO_PASSWORD}).get_json()
    assert LET_IN == status_with(client, tokens["token"])
    assert 401 == status_with(client, tokens["refresh_token"])
    assert 401 == client.post("/token/refresh", json={"refresh_token": tokens["token"][:200]}).status_code


def test_sec_02_a_remembered_token_ends_when_it_expires(
    client: FlaskClient, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = jwt.encode(access_claims(), bar.settings.jwt_secret, "HS256")
    assert LET_IN == status_with(client, token)

    later = datetime.now(UTC).timestamp() + 301
    monkeypatch.setattr("shakerqueue.api.tokens.time", lambda: later)

    assert 401 == status_with(client, token)
