"""A tablet that the staff shares: who can be switched to, what a PIN opens, and how often one may be wrong."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.intake import insert_orders
from tests.support.application import running_app, sign_in
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

OWN = {"Sec-Fetch-Site": "same-origin"}
ABOUT_A_SECOND = 1.5
PINS = {"bartender": "2580", "admin": "1379"}
WRONG = "9753"
COOKIES = (("access_token", "/"), ("refresh_token", "/session"))

Headers = dict[str, str]


@pytest.fixture
def tablet(client: FlaskClient) -> FlaskClient:
    """A browser that the bartender has signed in with the password."""
    return signed_in(client)


def signed_in(client: FlaskClient, name: str = "bartender") -> FlaskClient:
    credentials = {"email": f"{name}@example.com", "password": DEMO_PASSWORD}
    answer = client.post("/session", json=credentials, headers=OWN)
    assert 200 == answer.status_code, answer.text
    return client


def id_of(bar: Bar, name: str) -> str:
    return str(bar.query(f"SELECT id FROM users WHERE username = '{name}'")[0][0])


def switch(tablet: FlaskClient, bar: Bar, name: str, pin: str | None = None) -> TestResponse:
    body = {"user_id": id_of(bar, name), "pin": pin or PINS[name]}
    return tablet.post("/session/switch", json=body, headers=OWN)


def switched(tablet: FlaskClient, bar: Bar, name: str) -> FlaskClient:
    answer = switch(tablet, bar, name)
    assert 200 == answer.status_code, answer.text
    return tablet


def copy_of(tablet: FlaskClient) -> FlaskClient:
    """A browser with the same cookies, which keeps them whatever the tablet is answered."""
    browser = tablet.application.test_client()
    for name, path in COOKIES:
        cookie = tablet.get_cookie(name, path=path)
        assert cookie is not None
        browser.set_cookie(name, cookie.value, path=path)
    return browser


def is_out(browser: FlaskClient) -> bool:
    return browser.get("/session").get_json()["user"] is None


def acts_for(browser: FlaskClient) -> tuple[str, str]:
    session = browser.get("/session").get_json()
    return session["user"]["username"], session["role"]


def refused_from_then_on(browser: FlaskClient) -> None:
    eventually(lambda: is_out(browser), ABOUT_A_SECOND)
    assert 401 == browser.post("/session/refresh", headers=OWN).status_code
    assert is_out(browser)


def field_error(answer: TestResponse) -> tuple[int, str, str]:
    [error] = answer.get_json()["errors"]
    return answer.status_code, error["field"], error["code"]


@pytest.fixture
def more_staff(bar: Bar) -> list[str]:
    """Three more bartenders, whose PIN is the bartender's."""
    bar.change(
        "INSERT INTO users (username, email, password_hash, role, pin_hash)"
        " SELECT name, name || '@example.com', password_hash, role, pin_hash"
        " FROM users, unnest(ARRAY['Cleo', 'ada', 'Ben']) AS name WHERE username = 'bartender'"
    )
    return ["ada", "Ben", "Cleo"]


def test_colleagues_are_the_staff_with_a_pin_by_name_and_nothing_more_is_said_of_them(
    tablet: FlaskClient, bar: Bar, more_staff: list[str]
) -> None:
    bar.change("UPDATE users SET disabled_at = now() WHERE username = 'Ben'")
    bar.change("UPDATE users SET pin_hash = NULL WHERE username = 'Cleo'")
    bar.change("UPDATE users SET pin_hash = 'left over' WHERE username = 'user'")
    colleagues = tablet.get("/session/colleagues").get_json()["colleagues"]
    assert ["ada", "admin", "bartender"] == [colleague["username"] for colleague in colleagues]
    assert [{"id", "username"}] * 3 == [set(colleague) for colleague in colleagues]


@pytest.mark.shares_bar
def test_colleagues_can_be_asked_for_with_a_bearer_token_too(client: FlaskClient, bartender: Headers) -> None:
    answer = client.get("/session/colleagues", headers=bartender)
    assert ["admin", "bartender"] == [one["username"] for one in answer.get_json()["colleagues"]]


def test_after_a_switch_every_change_carries_the_other_name(tablet: FlaskClient, bar: Bar, services: Services) -> None:
    with services.database.transaction() as conn:
        placed = [order(principal_id(conn), drink(conn)) for _ in range(2)]
        insert_orders(conn, placed)

    assert 200 == tablet.post(f"/orders/{placed[0].id}/complete", headers=OWN).status_code
    switched(tablet, bar, "admin")
    assert 200 == tablet.post(f"/orders/{placed[1].id}/complete", headers=OWN).status_code

    actors = bar.query(
        "SELECT username FROM order_events JOIN users ON users.id = actor_id WHERE type = 'completed'"
        " ORDER BY order_events.id"
    )
    assert [("bartender",), ("admin",)] == actors


def test_the_answer_is_that_of_a_sign_in(tablet: FlaskClient, bar: Bar) -> None:
    answer = switch(tablet, bar, "admin")
    assert {"user", "role", "expires_in", "refreshable", "table"} == set(answer.get_json())
    assert {name for name, _ in COOKIES} == {line.split("=")[0] for line in answer.headers.getlist("Set-Cookie")}


def test_an_admin_who_came_by_pin_has_an_employees_rights_and_keeps_to_them(tablet: FlaskClient, bar: Bar) -> None:
    assert "employee" == switch(tablet, bar, "admin").get_json()["role"]
    for _ in range(2):
        assert (("admin", "employee"), 403) == (acts_for(tablet), tablet.get("/users").status_code)
        assert 200 == tablet.get("/queue").status_code
        refreshed = tablet.post("/session/refresh", headers=OWN)
        assert (200, "employee") == (refreshed.status_code, refreshed.get_json()["role"])


def test_an_admin_who_switches_to_themselves_gives_rights_up(client: FlaskClient, bar: Bar) -> None:
    tablet = signed_in(client, "admin")
    assert 200 == tablet.get("/users").status_code
    assert 403 == switched(tablet, bar, "admin").get("/users").status_code


def test_the_one_before_is_out_and_the_sign_in_with_the_password_is_not(tablet: FlaskClient, bar: Bar) -> None:
    first = copy_of(tablet)
    second = copy_of(switched(tablet, bar, "admin"))
    switched(tablet, bar, "bartender")
    refused_from_then_on(second)
    assert ("bartender", "employee") == acts_for(tablet)
    assert 200 == first.post("/session/refresh", headers=OWN).status_code


def test_signing_the_tablet_out_ends_what_was_opened_on_it(tablet: FlaskClient, bar: Bar) -> None:
    first = copy_of(tablet)
    switched(tablet, bar, "admin")
    assert 204 == first.delete("/session", headers=OWN).status_code
    refused_from_then_on(tablet)


def test_signing_out_after_a_switch_ends_that_and_no_more(tablet: FlaskClient, bar: Bar) -> None:
    first = copy_of(tablet)
    second = copy_of(switched(tablet, bar, "admin"))
    assert 204 == tablet.delete("/session", headers=OWN).status_code
    refused_from_then_on(second)
    assert ("bartender", "employee") == acts_for(first)


@pytest.mark.parametrize("name", ["admin", "bartender"], ids=["who came by PIN", "who signed the tablet in"])
@pytest.mark.parametrize(
    "change", ["password_hash = 'another'", "disabled_at = now()", "role = 'customer'"], ids=["password", "out", "role"]
)
def test_what_is_taken_from_either_ends_it_within_a_second(
    tablet: FlaskClient, bar: Bar, name: str, change: str
) -> None:
    switched(tablet, bar, "admin")
    bar.change(f"UPDATE users SET {change} WHERE username = '{name}'")
    refused_from_then_on(tablet)


def test_a_new_pin_ends_what_the_old_one_opened_and_nothing_else(
    client: FlaskClient, tablet: FlaskClient, bar: Bar, admin: Headers
) -> None:
    switched(tablet, bar, "admin")
    answer = client.put("/me/pin", json={"pin": "4071", "password": DEMO_PASSWORD}, headers=admin)
    assert (204, b"") == (answer.status_code, answer.data)
    refused_from_then_on(tablet)
    assert 200 == client.get("/me", headers=admin).status_code
    assert 422 == switch(signed_in(tablet), bar, "admin", PINS["admin"]).status_code
    assert 200 == switch(tablet, bar, "admin", "4071").status_code


def test_without_a_pin_nobody_can_be_switched_to(
    client: FlaskClient, tablet: FlaskClient, bar: Bar, admin: Headers
) -> None:
    switched(tablet, bar, "admin")
    assert [204, 204] == [client.delete("/me/pin", headers=admin).status_code for _ in range(2)]
    refused_from_then_on(tablet)
    signed_in(tablet)
    assert ["bartender"] == [one["username"] for one in tablet.get("/session/colleagues").get_json()["colleagues"]]
    assert 422 == switch(tablet, bar, "admin").status_code


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"pin": "1234", "password": DEMO_PASSWORD}, (422, "pin", "invalid")),
        ({"pin": "258", "password": DEMO_PASSWORD}, (422, "pin", "invalid")),
        ({"pin": "abcd", "password": DEMO_PASSWORD}, (422, "pin", "invalid")),
        ({"pin": "4071"}, (422, "password", "invalid")),
        ({"password": DEMO_PASSWORD}, (422, "pin", "invalid")),
        ({"pin": "4071", "password": "password124"}, (422, "password", "wrong_password")),
    ],
)
def test_a_pin_stays_when_something_is_wrong(
    client: FlaskClient, bar: Bar, bartender: Headers, body: Any, error: tuple[int, str, str]
) -> None:
    before = bar.query("SELECT pin_hash FROM users WHERE username = 'bartender'")
    assert error == field_error(client.put("/me/pin", json=body, headers=bartender))
    assert before == bar.query("SELECT pin_hash FROM users WHERE username = 'bartender'")


def test_no_answer_holds_a_hash_of_a_pin(tablet: FlaskClient, bar: Bar, admin: Headers) -> None:
    texts = [
        tablet.get("/session/colleagues").text,
        tablet.get("/users", headers=admin).text,
        tablet.get("/me", headers=admin).text,
        switch(tablet, bar, "admin").text,
        tablet.get("/session").text,
    ]
    hashes = [str(row[0]) for row in bar.query("SELECT pin_hash FROM users WHERE pin_hash IS NOT NULL")]
    assert [] == [text for text in texts if "pin" in text or any(each in text for each in hashes)]


def test_only_the_staff_can_switch_and_only_from_our_own_page(client: FlaskClient, bar: Bar, guest: Headers) -> None:
    body = {"user_id": id_of(bar, "bartender"), "pin": PINS["bartender"]}
    statuses = [client.post("/session/switch", json=body, headers=who).status_code for who in (OWN, guest)]
    assert [401, 403] == statuses
    assert 403 == signed_in(client, "user").post("/session/switch", json=body, headers=OWN).status_code
    assert 403 == signed_in(client).post("/session/switch", json=body).status_code
    assert 0 == bar.query("SELECT sum(failures)::int FROM failed_attempts")[0][0]


def test_a_session_that_has_just_ended_switches_no_more(tablet: FlaskClient, bar: Bar, services: Services) -> None:
    services.follower.stop()
    services.follower._thread.join()  # so that the process has not heard of it
    bar.change("UPDATE sessions SET revoked_at = now()")
    assert 401 == switch(tablet, bar, "admin").status_code


@pytest.fixture
def compared(services: Services, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was compared with a hash; a wrong one is as much work as none."""
    return count_comparisons(services, monkeypatch)


def count_comparisons(services: Services, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    compared: list[str] = []
    matches = services.passwords.matches

    def counted(password: str, password_hash: str | None) -> bool:
        compared.append(password)
        return matches(password, password_hash)

    monkeypatch.setattr(services.passwords, "matches", counted)
    return compared


def test_a_wrong_pin_says_so_and_the_page_goes_on_as_before(tablet: FlaskClient, bar: Bar) -> None:
    answers = [switch(tablet, bar, "admin", WRONG) for _ in range(5)]
    assert [(422, "pin", "wrong_pin")] * 5 == [field_error(answer) for answer in answers]
    assert [4, 3, 2, 1, 0] == [answer.get_json()["attempts_left"] for answer in answers]
    assert {"wrong_pin"} == {answer.get_json()["code"] for answer in answers}
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert ("bartender", "employee") == acts_for(tablet)


@pytest.mark.parametrize(
    "change",
    [
        "disabled_at = now()",
        "pin_hash = NULL",
        "role = 'customer'",
        "id = gen_random_uuid()",
    ],
    ids=["disabled", "without a PIN", "a customer", "unknown"],
)
def test_whoever_cannot_be_switched_to_is_told_from_a_wrong_pin_by_nothing(
    tablet: FlaskClient, bar: Bar, compared: list[str], more_staff: list[str], change: str
) -> None:
    meant = {"user_id": id_of(bar, "ada"), "pin": PINS["bartender"]}
    bar.change(f"UPDATE users SET {change} WHERE username = 'ada'")
    compared.clear()
    nobody = tablet.post("/session/switch", json=meant, headers=OWN)
    wrong = switch(tablet, bar, "admin", WRONG)
    assert [PINS["bartender"], WRONG] == compared
    said = [{**answer.get_json(), "request_id": None} for answer in (nobody, wrong)]
    assert (422, said[1]) == (nobody.status_code, said[0])


def test_a_pin_that_changes_while_it_is_compared_opens_nothing(
    tablet: FlaskClient, bar: Bar, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = services.passwords.matches

    def slow(password: str, password_hash: str | None) -> bool:
        bar.change("UPDATE users SET pin_hash = 'another' WHERE username = 'admin'")
        return matches(password, password_hash)

    monkeypatch.setattr(services.passwords, "matches", slow)
    assert (422, "pin", "wrong_pin") == field_error(switch(tablet, bar, "admin"))
    assert [(0,)] == bar.query("SELECT count(*) FROM sessions WHERE parent_id IS NOT NULL")
    assert ("bartender", "employee") == acts_for(tablet)


def is_refused_for_a_while(answer: TestResponse) -> bool:
    if answer.status_code != 429:
        return False
    assert "too_many_requests" == answer.get_json()["code"]
    assert 840 < int(answer.headers["Retry-After"]) <= 900
    return True


def test_after_five_wrong_ones_the_right_one_is_not_looked_at_either(
    tablet: FlaskClient, bar: Bar, compared: list[str]
) -> None:
    for _ in range(5):
        switch(tablet, bar, "admin", WRONG)
    assert is_refused_for_a_while(switch(tablet, bar, "admin"))
    elsewhere = signed_in(tablet.application.test_client(), "admin")  # and the password is as good as ever
    assert is_refused_for_a_while(switch(elsewhere, bar, "admin"))
    assert [WRONG] * 5 == [pin for pin in compared if pin != DEMO_PASSWORD]
    assert 200 == switch(tablet, bar, "bartender").status_code


def test_when_the_quarter_of_an_hour_is_over_it_is_looked_at_again(tablet: FlaskClient, bar: Bar) -> None:
    for _ in range(6):
        switch(tablet, bar, "admin", WRONG)
    bar.change("UPDATE failed_attempts SET window_ends_at = window_ends_at - interval '15 minutes'")
    assert 200 == switch(tablet, bar, "admin").status_code


def test_the_right_one_forgets_the_slips_before(tablet: FlaskClient, bar: Bar) -> None:
    for _ in range(3):
        for _ in range(4):
            switch(tablet, bar, "admin", WRONG)
        assert 200 == switch(tablet, bar, "admin").status_code


def test_a_busy_tablet_is_not_held_up_by_right_ones(tablet: FlaskClient, bar: Bar) -> None:
    assert {200} == {switch(tablet, bar, name).status_code for _ in range(10) for name in PINS}


def test_whoever_has_a_pin_cannot_guess_at_others_between_right_ones(
    tablet: FlaskClient, bar: Bar, more_staff: list[str]
) -> None:
    statuses = []
    for guessed_at in [name for name in ("admin", *more_staff) for _ in range(4)]:
        statuses.append(switch(tablet, bar, guessed_at, WRONG).status_code)
        switch(tablet, bar, "bartender")
    assert [422] * 15 + [429] == statuses
    assert is_refused_for_a_while(switch(tablet, bar, "bartender"))
    assert 200 == switch(signed_in(tablet), bar, "bartender").status_code  # with a password the tablet begins afresh


@pytest.fixture
def neighbour(bar: Bar) -> Iterator[Flask]:
    """The same bar as another process serves it."""
    with running_app(bar) as app:
        yield app


def statuses_at_once(ask: Callable[[int], TestResponse]) -> list[int]:
    with ThreadPoolExecutor(20) as hands:
        return sorted(answer.status_code for answer in hands.map(ask, range(20)))


def test_of_twenty_wrong_ones_at_once_five_are_looked_at(
    app: Flask, neighbour: Flask, bar: Bar, bartender: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = [count_comparisons(each.extensions[EXTENSION], monkeypatch) for each in (app, neighbour)]
    body = {"user_id": id_of(bar, "admin"), "pin": WRONG}

    def guess(number: int) -> TestResponse:
        client = (app, neighbour)[number % 2].test_client()
        return client.post("/session/switch", json=body, headers=bartender)

    assert [422] * 5 + [429] * 15 == statuses_at_once(guess)
    assert 5 == sum(len(one) for one in compared)


def test_of_twenty_wrong_ones_at_once_for_as_many_users_fifteen_are_looked_at(app: Flask, bartender: Headers) -> None:
    def guess(_: int) -> TestResponse:
        body = {"user_id": str(uuid4()), "pin": WRONG}
        return app.test_client().post("/session/switch", json=body, headers=bartender)

    assert [422] * 15 + [429] * 5 == statuses_at_once(guess)


def test_wrong_passwords_are_limited_where_a_session_asks_for_one_and_signing_in_is_not(
    client: FlaskClient, bartender: Headers
) -> None:
    """A PIN opens a session; it must not be a place to guess the password from."""
    set_pin = {"pin": "4071", "password": "password124"}
    set_password = {"password": "an uncommon phrase", "old_password": "password124"}
    answers = [client.put("/me/pin", json=set_pin, headers=bartender) for _ in range(3)]
    answers += [client.patch("/me", json=set_password, headers=bartender) for _ in range(2)]
    assert [4, 3, 2, 1, 0] == [answer.get_json()["attempts_left"] for answer in answers]

    right = {"pin": "4071", "password": DEMO_PASSWORD}
    assert is_refused_for_a_while(client.put("/me/pin", json=right, headers=bartender))
    again = sign_in(client, "bartender@example.com")
    assert is_refused_for_a_while(client.patch("/me", json={**set_password, "old_password": "x"}, headers=again))


def test_the_right_password_forgets_the_wrong_ones_before(client: FlaskClient, bartender: Headers) -> None:
    for _ in range(2):
        for password in ["password124"] * 4 + [DEMO_PASSWORD]:
            answer = client.put("/me/pin", json={"pin": "4071", "password": password}, headers=bartender)
        assert 204 == answer.status_code


def test_a_pin_is_not_set_by_who_was_changed_at_the_same_time(
    app: Flask, client: FlaskClient, bar: Bar, bartender: Headers
) -> None:
    """The password that was checked may be the password no more."""
    body = {"pin": "4071", "password": DEMO_PASSWORD}
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE users SET password_hash = 'another'")
        attempt = pool.submit(app.test_client().put, "/me/pin", json=body, headers=bartender)
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.commit()
        assert 409 == attempt.result().status_code
