"""Guessing at passwords: few guesses are looked at, nobody learns who exists, and nobody is kept out for good."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Flask
from flask.testing import FlaskClient
from psycopg import Connection

from shakerqueue import attempts
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.passwords import MAX_WAITING
from shakerqueue.queries.models import User
from shakerqueue.sessions import Sessions, SignIn
from tests.support.application import running_app
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.guessing import VICTIM, WRONG, guesses, signs_in, tries
from tests.support.waiting import eventually

COLLEAGUE = "bartender@example.com"
UNKNOWN = "nobody@example.com"
GUESSES = 20
PER_ADDRESS = attempts.sign_ins_from("").max_failures
ROUTES = ("/login", "/session")


@pytest.fixture
def app(bar: Bar) -> Iterator[Flask]:
    with running_app(bar) as app:
        yield app


def elsewhere(app: Flask) -> FlaskClient:
    """Somebody else, with an address and cookies of their own."""
    return app.test_client()


def at_the_same_address(client: FlaskClient) -> FlaskClient:
    """Somebody else behind the same NAT, with cookies of their own."""
    neighbour = client.application.test_client()
    neighbour.environ_base["REMOTE_ADDR"] = client.environ_base["REMOTE_ADDR"]
    return neighbour


def end_windows(bar: Bar) -> None:
    bar.change("UPDATE failed_attempts SET window_ends_at = now()")


@pytest.mark.parametrize("path", ROUTES)
def test_sec_09_five_wrong_passwords_of_an_account_are_looked_at_and_then_not_even_the_right_one(
    app: Flask, path: str
) -> None:
    assert [401] * 5 + [429] == [guesses(elsewhere(app), 1, path=path)[0] for _ in range(6)]
    refused = tries(elsewhere(app), DEMO_PASSWORD, path=path)
    assert (429, "too_many_requests") == (refused.status_code, refused.get_json()["code"])
    assert 840 < int(refused.headers["Retry-After"]) <= 900


def test_sec_09_both_ways_to_sign_in_have_one_budget(app: Flask) -> None:
    assert [401] * 3 == guesses(elsewhere(app), 3, path="/login")
    assert [401] * 2 + [429] == guesses(elsewhere(app), 3, path="/session")


def test_sec_09_after_a_quarter_of_an_hour_it_begins_anew(app: Flask, bar: Bar) -> None:
    assert 429 == guesses(elsewhere(app), 6)[-1]
    end_windows(bar)
    assert [401] * 5 + [429] == guesses(elsewhere(app), 6)


def test_sec_09_a_right_password_shows_that_those_before_were_slips(app: Flask) -> None:
    client = elsewhere(app)
    for _ in range(3):
        assert [401] * 4 == guesses(client, 4)
        assert 200 == signs_in(client)


def test_sec_09_an_address_has_a_budget_for_all_accounts_together(app: Flask) -> None:
    client = elsewhere(app)
    emails = (f"guest-{number}@example.com" for number in range(PER_ADDRESS))
    assert {401} == {tries(client, email=email).status_code for email in emails}
    assert 429 == signs_in(client)
    assert 200 == signs_in(elsewhere(app))


def test_sec_09_an_own_account_gives_no_failure_of_the_address_back(app: Flask) -> None:
    """Else somebody could guess at others' for ever, with a right password of their own between."""
    client = elsewhere(app)
    for number in range(PER_ADDRESS):
        tries(client, email=f"guest-{number}@example.com")
        if number == PER_ADDRESS // 2:
            assert 200 == signs_in(at_the_same_address(client), email=COLLEAGUE)
    assert 429 == signs_in(at_the_same_address(client))


@pytest.mark.parametrize("path", ROUTES)
def test_sec_09_an_unknown_account_is_told_from_a_known_one_by_nothing(app: Flask, path: str) -> None:
    answers = {email: [tries(elsewhere(app), email=email, path=path) for _ in range(7)] for email in (VICTIM, UNKNOWN)}
    said = [
        [(answer.status_code, {**answer.get_json(), "request_id": None}, set(answer.headers.keys())) for answer in its]
        for its in answers.values()
    ]
    assert said[0] == said[1]
    assert [401] * 5 + [429] * 2 == [answer.status_code for answer in answers[UNKNOWN]]


@pytest.mark.parametrize("email", [VICTIM, UNKNOWN])
def test_sec_09_another_spelling_of_the_same_address_has_no_budget_of_its_own(app: Flask, email: str) -> None:
    """PostgreSQL lowers a Turkish İ to i, Python to two characters: each would be five more guesses."""
    spellings = [email, email.upper(), email.title(), email.replace("m", "M"), email.swapcase(), email.capitalize()]
    assert [401] * 5 + [429] == [tries(elsewhere(app), email=spelling).status_code for spelling in spellings]


def test_sec_09_a_letter_that_lowers_to_another_has_no_budget_of_its_own(app: Flask, bar: Bar) -> None:
    bar.change("UPDATE users SET email = 'vip@example.com' WHERE username = 'user'")
    statuses = [tries(elsewhere(app), email=f"v{i}p@example.com").status_code for i in ("i", "I", "\u0130") * 2]
    [(same,)] = bar.query("SELECT lower('v\u0130p@example.com') = 'vip@example.com'")
    assert same, "the database compares them otherwise by now: choose another letter"
    assert [401] * 5 + [429] == statuses


def test_sec_09_neither_addresses_nor_accounts_can_be_read_from_the_table(app: Flask, bar: Bar) -> None:
    client = elsewhere(app)
    for email in (VICTIM, UNKNOWN):
        tries(client, email=email)
    [(user_id,)] = bar.query("SELECT id FROM users WHERE username = 'user'")
    subjects = [str(row[0]) for row in bar.query("SELECT subject FROM failed_attempts")]
    assert 3 == len(subjects)  # one of the address, one of each account
    secrets = (VICTIM, UNKNOWN, "user", "nobody", str(user_id), client.environ_base["REMOTE_ADDR"])
    assert [] == [subject for subject in subjects if any(secret in subject for secret in secrets)]


@pytest.mark.parametrize("path", ROUTES)
def test_sec_09_the_victim_comes_in_on_a_device_of_theirs_whatever_others_try(app: Flask, path: str) -> None:
    device = elsewhere(app)
    assert 200 == signs_in(device, path=path)
    assert [401] * 5 + [429] == guesses(elsewhere(app), 6, path=path)
    assert 200 == signs_in(device, path=path)
    assert 429 == signs_in(elsewhere(app), path=path)  # and that gives nobody else a guess


def test_sec_09_so_it_is_with_the_guesser_in_the_same_wifi_and_the_addresss_budget_used_up(app: Flask) -> None:
    device = elsewhere(app)
    assert 200 == signs_in(device)
    guesser = at_the_same_address(device)
    for number in range(PER_ADDRESS):
        tries(guesser, email=f"guest-{number}@example.com")
    assert [429] == guesses(guesser, 1)
    assert 200 == signs_in(device)


def test_sec_09_a_tablet_knows_all_who_have_signed_in_on_it(app: Flask) -> None:
    tablet = elsewhere(app)
    assert [200, 200] == [signs_in(tablet, email=email) for email in (VICTIM, COLLEAGUE)]
    for email in (VICTIM, COLLEAGUE):
        assert 429 == guesses(elsewhere(app), 6, email=email)[-1]
        assert 200 == signs_in(tablet, email=email)


def test_sec_09_a_known_device_may_be_wrong_five_times_as_well(app: Flask) -> None:
    device = elsewhere(app)
    assert 200 == signs_in(device)
    assert [401] * 5 + [429] == guesses(device, 6)
    assert 429 == signs_in(device)
    assert 200 == signs_in(elsewhere(app))  # whoever has the device keeps nobody out elsewhere


def test_sec_09_a_device_is_known_to_whom_signed_in_on_it_and_to_nobody_else(app: Flask) -> None:
    device = elsewhere(app)
    assert 200 == signs_in(device, email=COLLEAGUE)
    assert 429 == guesses(elsewhere(app), 6)[-1]
    assert [429] == guesses(device, 1)


@pytest.mark.parametrize("change", ["one mark", "the name", "no mark", "nonsense"])
def test_sec_09_nobody_makes_a_device_up(app: Flask, change: str) -> None:
    device = elsewhere(app)
    assert 200 == signs_in(device)
    cookie = device.get_cookie("device")
    assert cookie is not None
    name, mark = cookie.value.split(".")
    forged = {
        "one mark": f"{name}.{mark[::-1]}",
        "the name": f"{name[::-1]}.{mark}",
        "no mark": name,
        "nonsense": "\u0130" * 30,
    }
    guesser = elsewhere(app)
    guesser.set_cookie("device", forged[change])
    assert 429 == guesses(elsewhere(app), 6)[-1]
    assert [429] == guesses(guesser, 1)


def test_sec_09_a_new_password_forgets_all_devices_but_the_one_that_it_was_set_on(app: Flask) -> None:
    lost, kept = elsewhere(app), elsewhere(app)
    assert 200 == signs_in(lost)
    token = tries(kept, DEMO_PASSWORD).get_json()["token"]
    body = {"old_password": DEMO_PASSWORD, "password": "another password"}
    assert 200 == kept.patch("/me", json=body, headers={"Authorization": f"Bearer {token}"}).status_code
    assert 429 == guesses(elsewhere(app), 6)[-1]
    assert 429 == tries(lost, "another password").status_code
    assert 200 == tries(kept, "another password").status_code


def test_sec_09_what_a_device_keeps_no_script_reads_and_no_other_site_sends(bar: Bar) -> None:
    with running_app(bar, public_url="https://bar.example") as app:
        cookies = tries(app.test_client(), DEMO_PASSWORD).headers.getlist("Set-Cookie")
    [kept] = [set(cookie.split("; ")) for cookie in cookies if cookie.startswith("__Host-device=")]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= kept


def test_sec_09_refreshing_and_being_signed_in_are_held_up_by_nothing(app: Flask) -> None:
    client = elsewhere(app)
    signed_in = tries(client, DEMO_PASSWORD).get_json()
    client.delete_cookie("device")
    assert 429 == guesses(client, 6)[-1]
    assert 200 == client.get("/me", headers={"Authorization": f"Bearer {signed_in['token']}"}).status_code
    body = {"refresh_token": signed_in["refresh_token"]}
    assert 200 == client.post("/token/refresh", json=body).status_code


@contextmanager
def hashing_held_up(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """No hash is done before the end; how many were at work at the same time."""
    go_on, at_work, most = threading.Event(), [], []

    def slow(*_: bytes) -> bool:
        at_work.append(1)
        most.append(len(at_work))
        go_on.wait(10)
        at_work.pop()
        return False

    monkeypatch.setattr("shakerqueue.passwords.bcrypt.checkpw", slow)
    try:
        yield most
    finally:
        go_on.set()


def test_sec_09_no_more_passwords_are_hashed_at_once_than_there_are_cores_and_no_crowd_waits(
    bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shakerqueue.passwords.cpu_count", lambda: 4)
    crowd = 2 + MAX_WAITING + 5
    with running_app(bar, workers=2) as app, ThreadPoolExecutor(crowd) as people:
        services: Services = app.extensions[EXTENSION]
        clients = [elsewhere(app) for _ in range(crowd)]
        with hashing_held_up(services, monkeypatch) as most:
            emails = [f"guest-{number}@example.com" for number in range(crowd)]
            answers = [people.submit(tries, client, email=email) for client, email in zip(clients, emails, strict=True)]
            eventually(lambda: 5 <= sum(answer.done() for answer in answers))
            refused = [answer.result() for answer in answers if answer.done()]
            assert {(503, "1")} == {(it.status_code, it.headers["Retry-After"]) for it in refused}
            assert 0 == busy_connections(bar)
        assert {401, 503} == {answer.result().status_code for answer in answers}
    assert 2 == max(most)


def busy_connections(bar: Bar) -> object:
    """Connections of the API that are in a statement or in a transaction."""
    return bar.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'shakerqueue-api' AND state <> 'idle'"
    )[0][0]


def test_sec_09_what_could_not_be_looked_at_is_no_failure(
    app: Flask, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: Services = app.extensions[EXTENSION]
    monkeypatch.setattr("shakerqueue.passwords.WAIT_SECONDS", 0.01)
    while services.passwords._at_work.acquire(blocking=False):
        pass
    answers = [tries(elsewhere(app)) for _ in range(6)]
    assert [503] * 6 == [answer.status_code for answer in answers]
    assert [(0,)] == bar.query("SELECT sum(failures) FROM failed_attempts")


def test_sec_09_a_right_password_that_waited_long_for_its_turn_has_time_left_to_be_let_in(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was told 503, and counted as a wrong one."""
    was_late: list[bool] = []
    open_session = Sessions.open

    def note(sessions: Sessions, conn: Connection[Any], user: User) -> SignIn:
        was_late.append(request_deadline().passed)
        return open_session(sessions, conn, user)

    monkeypatch.setattr(Sessions, "open", note)
    monkeypatch.setattr("shakerqueue.api.requests.REQUEST_SECONDS", 1.0)
    services: Services = app.extensions[EXTENSION]
    while services.passwords._at_work.acquire(blocking=False):
        pass
    threading.Timer(1.2, services.passwords._at_work.release).start()
    assert 200 == signs_in(elsewhere(app))
    assert [False] == was_late


def statuses_at_once(url: str, password: str) -> list[int]:
    """Attempts at the same time, each on a connection of its own, so that all workers get some."""
    with ThreadPoolExecutor(GUESSES) as hands:
        return sorted(hands.map(lambda _: posted(url, password, {}).status_code, range(GUESSES)))


def posted(url: str, password: str, cookies: dict[str, str]) -> httpx.Response:
    with httpx.Client(cookies=cookies) as client:
        return client.post(f"{url}/login", json={"email": VICTIM, "password": password})


def test_sec_09_five_are_looked_at_whichever_process_is_asked_and_however_often_it_restarts(bar: Bar) -> None:
    with bar.api() as api:
        device = dict(posted(str(api.base_url), DEMO_PASSWORD, {}).cookies)
        assert [401] * 5 + [429] * (GUESSES - 5) == statuses_at_once(str(api.base_url), WRONG)

    with bar.api() as api:
        assert [429] * GUESSES == statuses_at_once(str(api.base_url), DEMO_PASSWORD)
        assert 200 == posted(str(api.base_url), DEMO_PASSWORD, device).status_code
