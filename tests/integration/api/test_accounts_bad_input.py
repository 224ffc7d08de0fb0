"""Bad requests about accounts: the right 4xx naming the field. All of them at one bar, since nothing changes."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.bar import Bar

ADA = {"username": "Ada", "email": "Ada@example.com", "password": "an uncommon phrase"}

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar


def fields_of(answer: TestResponse) -> set[str]:
    return {error["field"] for error in answer.get_json()["errors"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"username": " Ada"}, "username"),
        ({"username": "A\nda"}, "username"),
        ({"username": "A\u202eda"}, "username"),
        ({"username": 7}, "username"),
        ({"email": "ada"}, "email"),
        ({"email": "ada@"}, "email"),
        ({"email": "ada@example.com\n"}, "email"),
        ({"email": f"{'a' * 250}@example.com"}, "email"),
        ({"email": None}, "email"),
        ({"password": "1234567"}, "password"),
        ({"password": "x" * 1001}, "password"),
        ({"password": 12345678}, "password"),
        ({"role": "admin"}, "role"),
        ({"id": "0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11"}, "id"),
        ({"token_epoch": 7}, "token_epoch"),
    ],
    ids=str,
)
def test_what_cannot_be_registered_is_named(client: FlaskClient, changes: dict[str, Any], field: str) -> None:
    answer = client.post("/register", json={**ADA, **changes})
    assert (422, {field}) == (answer.status_code, fields_of(answer))


@pytest.mark.parametrize("token", ["", "x", "x" * 86, "x" * 201, None, 7])
def test_what_is_no_refresh_token_is_refused(client: FlaskClient, token: Any) -> None:
    assert client.post("/token/refresh", json={"refresh_token": token}).status_code in (401, 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=201", "limit"), ("cursor=x", "cursor"), ("role=owner", "role"), ("rolle=admin", "rolle")],
)
def test_a_list_asked_for_wrongly_is_refused(client: FlaskClient, admin: Headers, query: str, field: str) -> None:
    answer = client.get(f"/users?{query}", headers=admin)
    assert (422, {field}) == (answer.status_code, fields_of(answer))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "role"),
        ({"role": "integration"}, "role"),
        ({"role": "owner"}, "role"),
        ({"role": None}, "role"),
        ({"disabled": "yes"}, "disabled"),
        ({"disabled": None}, "disabled"),
        ({"password_hash": "x"}, "password_hash"),
        ({"email": "x@example.com"}, "email"),
    ],
    ids=str,
)
def test_a_change_that_cannot_be_is_named(
    client: FlaskClient, bar: Bar, admin: Headers, body: dict[str, Any], field: str
) -> None:
    [(bartender,)] = bar.query("SELECT id FROM users WHERE username = 'bartender'")
    answer = client.patch(f"/users/{bartender}", json=body, headers=admin)
    assert (422, {field}) == (answer.status_code, fields_of(answer))
