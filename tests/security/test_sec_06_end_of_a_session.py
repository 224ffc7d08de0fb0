"""A log-out and a new password end access and refresh tokens, on every process."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.application import running_app
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5

Headers = dict[str, str]


@pytest.fixture
def neighbour(bar: Bar) -> Iterator[FlaskClient]:
    """The same bar as another process serves it."""
    with running_app(bar) as app:
        yield app.test_client()


def bearer(answer: TestResponse) -> Headers:
    return {"Authorization": f"Bearer {answer.get_json()['token']}"}


def log_in(client: FlaskClient, password: str = DEMO_PASSWORD) -> TestResponse:
    return client.post("/login", json={"email": "user@example.com", "password": password})


def refresh(client: FlaskClient, answer: TestResponse) -> TestResponse:
    return client.post("/token/refresh", json={"refresh_token": answer.get_json()["refresh_token"]})


def refused_everywhere(who: Headers, *clients: FlaskClient) -> None:
    """Soon, and from then on: 200 requests at each."""
    for client in clients:
        eventually(lambda client=client: 401 == client.get("/me", headers=who).status_code, ABOUT_A_SECOND)  # type: ignore[misc]
        assert {401} == {client.get("/me", headers=who).status_code for _ in range(200)}


def test_sec_06_after_the_log_out_both_tokens_are_worth_nothing_anywhere(
    client: FlaskClient, neighbour: FlaskClient
) -> None:
    here, elsewhere = log_in(client), log_in(client)

    answer = client.post("/logout", headers=bearer(here))

    assert (204, b"") == (answer.status_code, answer.data)
    assert 401 == refresh(client, here).status_code
    refused_everywhere(bearer(here), client, neighbour)
    assert 200 == neighbour.get("/me", headers=bearer(elsewhere)).status_code  # the other sign-in goes on


def test_sec_06_a_new_password_ends_every_session_but_the_answers(client: FlaskClient, neighbour: FlaskClient) -> None:
    here, elsewhere = log_in(client), log_in(client)
    change = {"old_password": DEMO_PASSWORD, "password": "an uncommon phrase"}

    answer = client.patch("/me", json=change, headers=bearer(here))

    assert 200 == answer.status_code
    for before in (here, elsewhere):
        assert 401 == refresh(client, before).status_code
        refused_everywhere(bearer(before), client, neighbour)
    assert [200, 200] == [each.get("/me", headers=bearer(answer)).status_code for each in (client, neighbour)]
    assert 200 == refresh(client, answer).status_code
    assert [401, 200] == [
        log_in(client, password=password).status_code for password in (DEMO_PASSWORD, change["password"])
    ]
