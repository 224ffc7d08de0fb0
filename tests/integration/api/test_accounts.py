"""Registering, refreshing, logging out, changing the password."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import EXTENSION, Services
from tests.support.application import sign_in
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5
ADA = {"username": "Ada", "email": "Ada@example.com", "password": "an uncommon phrase"}

Headers = dict[str, str]


def bearer(answer: TestResponse) -> Headers:
    return {"Authorization": f"Bearer {answer.get_json()['token']}"}


def log_in(client: FlaskClient, email: str = "user@example.com", password: str = DEMO_PASSWORD) -> TestResponse:
    return client.post("/login", json={"email": email, "password": password})


def refresh(client: FlaskClient, answer: TestResponse) -> TestResponse:
    return client.post("/token/refresh", json={"refresh_token": answer.get_json()["refresh_token"]})


def test_whoever_registers_is_a_customer_and_signed_in(client: FlaskClient) -> None:
    answer = client.post("/register", json=ADA)

    assert 201 == answer.status_code
    assert {"user", "token", "refresh_token", "expires_in"} == set(answer.get_json())
    user = answer.get_json()["user"]
    assert {"username": "Ada", "email": "Ada@example.com", "role": "customer", "id": user["id"]} == user
    assert user == client.get("/me", headers=bearer(answer)).get_json()
    assert 200 == refresh(client, answer).status_code
    assert 200 == log_in(client, "ada@EXAMPLE.com", ADA["password"]).status_code


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"username": "aDA"}, "username"), ({"email": "aDA@example.com"}, "email")],
    ids=["username", "email"],
)
def test_what_is_taken_is_named_and_nothing_is_stored(
    client: FlaskClient, bar: Bar, changes: dict[str, str], field: str
) -> None:
    client.post("/register", json=ADA)
    before = bar.query("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)")
    other = {"username": "Bea", "email": "bea@example.com", "password": "an uncommon phrase"}

    answer = client.post("/register", json={**other, **changes})

    assert (409, "taken") == (answer.status_code, answer.get_json()["code"])
    assert [field] == [error["field"] for error in answer.get_json()["errors"]]
    assert before == bar.query("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions)")


@pytest.mark.parametrize("username", ["Zoë 🍸", "عمر", "名前", "x" * 64])
def test_names_of_all_scripts_are_welcome(client: FlaskClient, username: str) -> None:
    answer = client.post("/register", json={**ADA, "username": username})
    assert (201, username) == (answer.status_code, answer.get_json()["user"]["username"])


def test_two_who_want_one_name_at_once_do_not_both_get_it(app: Flask) -> None:
    with ThreadPoolExecutor(4) as people:
        answers = [
            people.submit(app.test_client().post, "/register", json={**ADA, "email": f"ada{number}@example.com"})
            for number in range(4)
        ]
    assert [201, 409, 409, 409] == sorted(answer.result().status_code for answer in answers)


def test_a_refresh_gives_a_new_pair_with_the_role_of_now(client: FlaskClient, bar: Bar) -> None:
    first = log_in(client)
    bar.change("UPDATE users SET role = 'employee' WHERE username = 'user'")

    second = refresh(client, first)

    assert 200 == second.status_code
    assert "employee" == second.get_json()["user"]["role"]
    assert first.get_json()["refresh_token"] != second.get_json()["refresh_token"]
    assert 200 == client.get("/me", headers=bearer(second)).status_code


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"old_password": "wrong", "password": "an uncommon phrase"}, "old_password"),
        ({"password": "an uncommon phrase"}, "old_password"),
        ({"old_password": DEMO_PASSWORD}, "password"),
        ({"old_password": DEMO_PASSWORD, "password": "short"}, "password"),
        ({"old_password": DEMO_PASSWORD, "password": "an uncommon phrase", "role": "admin"}, "role"),
    ],
    ids=["wrong", "without the old", "without the new", "too short", "more than that"],
)
def test_a_password_stays_when_something_is_wrong(
    client: FlaskClient, guest: Headers, body: dict[str, Any], field: str
) -> None:
    answer = client.patch("/me", json=body, headers=guest)

    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])
    assert 200 == log_in(client).status_code


def test_of_two_password_changes_at_once_one_is_told_to_look_again(
    app: Flask, client: FlaskClient, bar: Bar, guest: Headers
) -> None:
    """Both knew the old password; the one that comes second does not undo the first unseen."""
    passwords = ["the first new one", "the second new one"]

    def change(password: str) -> int:
        body = {"old_password": DEMO_PASSWORD, "password": password}
        return app.test_client().patch("/me", json=body, headers=guest).status_code

    with ThreadPoolExecutor(2) as tabs:
        with psycopg.connect(bar.database_url) as conn:
            conn.execute("SELECT FROM users FOR UPDATE")
            changes = [tabs.submit(change, password) for password in passwords]
            eventually(lambda: bar.waiting_for_a_lock() == 2)
        statuses = [change.result() for change in changes]

    assert [200, 409] == sorted(statuses)
    good = [200 == log_in(client, password=password).status_code for password in passwords]
    assert [status == 200 for status in statuses] == good


def test_no_answer_holds_a_hash(client: FlaskClient, bar: Bar) -> None:
    admin = sign_in(client, "admin@example.com")
    texts = [
        client.post("/register", json=ADA).text,
        log_in(client).text,
        refresh(client, log_in(client)).text,
        *(client.get(path, headers=admin).text for path in ("/me", "/users")),
    ]
    hashes = [str(row[0]) for row in bar.query("SELECT password_hash FROM users")]
    assert [] == [text for text in texts if "hash" in text or any(each in text for each in hashes)]


def test_a_revoked_token_is_refused_without_asking_the_database(
    app: Flask, client: FlaskClient, guest: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: Services = app.extensions[EXTENSION]
    out = sign_in(client, "user@example.com")
    client.post("/logout", headers=out)
    eventually(lambda: 401 == client.get("/me", headers=out).status_code)

    services.database.stop()  # the pool of the requests; the threads that follow have connections of their own

    statuses = [client.post("/orders", json={"recipe": "Negroni"}, headers=who).status_code for who in (out, guest)]
    assert [401, 202] == statuses
