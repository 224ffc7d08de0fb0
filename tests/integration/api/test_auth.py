"""Signing in, and what a token is worth."""

import pytest
from flask.testing import FlaskClient

from tests.support.tokens import LET_IN, NOWHERE, status_with

pytestmark = pytest.mark.shares_bar


def test_the_answer_is_the_readmes_with_more_fields(client: FlaskClient) -> None:
    answer = client.post("/login", json={"email": "User@Example.com", "password": "password123"})

    assert 200 == answer.status_code
    body = answer.get_json()
    assert {"user", "token", "expires_in", "refresh_token"} == set(body)
    assert {"username": "user", "email": "user@example.com", "role": "customer"} == {
        name: value for name, value in body["user"].items() if name != "id"
    }
    assert LET_IN == status_with(client, body["token"])


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpw", "token"])
def test_without_a_bearer_token_the_answer_is_401_and_not_400(client: FlaskClient, header: str | None) -> None:
    answer = client.get(NOWHERE, headers={"Authorization": header} if header is not None else {})
    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])
