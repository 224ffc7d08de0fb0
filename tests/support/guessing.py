"""Somebody who guesses at passwords."""

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.bar import DEMO_PASSWORD

VICTIM = "user@example.com"
WRONG = "a wrong one"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


def tries(
    client: FlaskClient, password: str = WRONG, *, email: str = VICTIM, path: str = "/login", **options: Any
) -> TestResponse:
    """One attempt to sign in, as a page of ours or as anybody."""
    headers: Mapping[str, str] = {**OWN_PAGE, **options.pop("headers", {})}
    return client.post(path, json={"email": email, "password": password}, headers=headers, **options)


def signs_in(client: FlaskClient, *, email: str = VICTIM, path: str = "/login") -> int:
    """The status that the right password is answered with."""
    return tries(client, DEMO_PASSWORD, email=email, path=path).status_code


def guesses(client: FlaskClient, count: int, *, email: str = VICTIM, path: str = "/login") -> list[int]:
    """The statuses of so many wrong ones."""
    return [tries(client, email=email, path=path).status_code for _ in range(count)]
