"""Guests without an account: a table's link lets them in, binds them to the table, and ends with it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import Services
from shakerqueue.database import Database
from shakerqueue.guest_passes import MAX_GUESTS, WINDOW_SECONDS
from tests.support.application import persist_queued, running_app, sign_in
from tests.support.bar import Bar
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5
OWN = {"Sec-Fetch-Site": "same-origin"}
Headers = dict[str, str]
Table = dict[str, Any]


@pytest.fixture
def terrace(client: FlaskClient, bartender: Headers) -> Table:
    return tables(client, bartender, "Terrace 4")[0]


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """A guest's."""
    return app.test_client()


def tables(client: FlaskClient, who: Headers, *labels: str) -> list[Table]:
    found: list[Table] = client.post("/tables", json={"labels": labels}, headers=who).get_json()["tables"]
    return found


def token_of(table: Table) -> str:
    return str(table["link"]).rpartition("/")[2]


def scan(browser: FlaskClient, table: Table) -> TestResponse:
    """What the page does that the table's code leads to."""
    return open_pass(browser, token_of(table))


def open_pass(browser: FlaskClient, link: str) -> TestResponse:
    return browser.post("/session/table", json={"link": link}, headers=OWN)


def order(browser: FlaskClient, body: dict[str, Any] | None = None) -> TestResponse:
    return browser.post("/orders", json=body or {"recipe": "Margarita"}, headers=OWN)


def round_of(*quantities: int) -> dict[str, Any]:
    return {"items": [{"recipe": "Margarita", "quantity": quantity} for quantity in quantities]}


def guests_in(bar: Bar) -> list[str]:
    return [str(row[0]) for row in bar.query("SELECT username FROM users WHERE table_id IS NOT NULL")]


def test_whoever_scans_a_code_is_a_guest_of_that_table(browser: FlaskClient, terrace: Table) -> None:
    answer = scan(browser, terrace)
    assert 200 == answer.status_code, answer.text
    session = answer.get_json()
    assert ("customer", "Terrace 4", True) == (session["role"], session["table"], session["refreshable"])
    assert session["user"]["username"].startswith("guest-")
    assert session["user"]["email"] is None
    now = browser.get("/session").get_json()
    assert (session["user"], "Terrace 4") == (now["user"], now["table"])
    assert "Terrace 4" == browser.post("/session/refresh", headers=OWN).get_json()["table"]
    assert 403 == browser.get("/queue").status_code


def test_the_table_stands_on_the_ticket(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table, bar: Bar, services: Services
) -> None:
    scan(browser, terrace)
    answer = order(browser)
    assert 202 == answer.status_code, answer.text
    assert 202 == order(browser, {"recipe": "Margarita", "ticket": "Terrace 4"}).status_code
    persist_queued(bar, services)

    assert "Terrace 4" == browser.get(answer.headers["Location"]).get_json()["ticket"]
    items = client.get("/queue", headers=bartender).get_json()["items"]
    assert ["Terrace 4", "Terrace 4"] == [item["ticket"] for item in items]
    assert 2 == len(browser.get("/orders").get_json()["orders"])


def test_an_order_by_a_pass_asks_the_database_nothing(
    browser: FlaskClient, terrace: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(browser, terrace)

    def refuse(*_: Any) -> None:
        raise AssertionError("a query")

    monkeypatch.setattr(Database, "connection", refuse)
    assert 202 == order(browser).status_code


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"recipe": "Margarita", "ticket": "Terrace 5"}, "ticket"),
        ({"recipe": "Margarita", "ticket": "terrace 4"}, "ticket"),
        (round_of(13), "items"),
        (round_of(7, 6), "items"),
    ],
    ids=["another table's ticket", "another spelling", "13 of one", "13 of two"],
)
def test_a_pass_orders_for_its_table_and_a_round_at_a_time(
    browser: FlaskClient, terrace: Table, body: dict[str, Any], field: str
) -> None:
    scan(browser, terrace)
    answer = order(browser, body)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


def test_twelve_drinks_are_a_round(browser: FlaskClient, terrace: Table) -> None:
    scan(browser, terrace)
    assert 202 == order(browser, round_of(7, 5)).status_code


def test_a_repeat_under_a_key_is_the_same_order(
    browser: FlaskClient, terrace: Table, bar: Bar, services: Services
) -> None:
    """The fingerprint is that of what the client sent, without the ticket that we put on it."""
    scan(browser, terrace)
    key = {"Idempotency-Key": "round-1", **OWN}
    first = browser.post("/orders", json={"recipe": "Margarita"}, headers=key)
    persist_queued(bar, services)
    again = browser.post("/orders", json={"recipe": "Margarita"}, headers=key)
    assert (202, "true") == (again.status_code, again.headers["Idempotent-Replayed"])
    assert first.get_json()["id"] == again.get_json()["id"]


def test_a_browser_keeps_its_pass(browser: FlaskClient, terrace: Table, bar: Bar) -> None:
    first = scan(browser, terrace).get_json()
    assert first["user"] == scan(browser, terrace).get_json()["user"]
    browser.delete_cookie("access_token")  # as after a quarter of an hour
    assert first["user"] == scan(browser, terrace).get_json()["user"]
    assert [first["user"]["username"]] == guests_in(bar)
    assert 202 == order(browser).status_code


def test_each_browser_has_a_pass_of_its_own(app: Flask, terrace: Table) -> None:
    names = {scan(app.test_client(), terrace).get_json()["user"]["username"] for _ in range(3)}
    assert 3 == len(names)


def test_whoever_moves_to_another_table_is_a_guest_there(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table
) -> None:
    scan(browser, terrace)
    [bar_seat] = tables(client, bartender, "Bar")
    assert "Bar" == scan(browser, bar_seat).get_json()["table"]
    assert "Bar" == browser.get("/session").get_json()["table"]


@pytest.mark.parametrize("name", ["user", "bartender"])
def test_whoever_has_an_account_goes_on_with_it(browser: FlaskClient, terrace: Table, bar: Bar, name: str) -> None:
    browser.post("/session", json={"email": f"{name}@example.com", "password": "password123"}, headers=OWN)
    answer = scan(browser, terrace)
    assert (409, "signed_in") == (answer.status_code, answer.get_json()["code"])
    assert name in answer.get_json()["detail"]
    assert name == browser.get("/session").get_json()["user"]["username"]
    assert 200 == browser.post("/session/refresh", headers=OWN).status_code
    assert [] == guests_in(bar)


def test_whoever_signs_out_may_come_in_by_the_code(browser: FlaskClient, terrace: Table) -> None:
    browser.post("/session", json={"email": "user@example.com", "password": "password123"}, headers=OWN)
    browser.delete("/session", headers=OWN)
    assert 200 == scan(browser, terrace).status_code


def test_a_code_that_is_not_good_says_so(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table, bar: Bar
) -> None:
    gone, renewed = tables(client, bartender, "1", "2")
    client.delete(f"/tables/{gone['id']}", headers=bartender)
    client.post(f"/tables/{renewed['id']}/revoke", headers=bartender)
    good = token_of(terrace)
    forged = [good[:-1] + ("A" if good[-1] != "A" else "B"), good[::-1], "x", "é", token_of(gone), token_of(renewed)]
    answers = [open_pass(browser, token) for token in forged]
    assert {(404, "link_not_good", "This code is no longer good; ask at the bar.")} == {
        (answer.status_code, answer.get_json()["code"], answer.get_json()["detail"]) for answer in answers
    }
    assert [] == guests_in(bar)


def test_another_bars_code_is_not_good_here(bars: Any, browser: FlaskClient, tmp_path: Any) -> None:
    with bars.lend(tmp_path) as elsewhere, running_app(elsewhere) as other:
        there = other.test_client()
        [table] = tables(there, sign_in(there, "bartender@example.com"), "1")
        assert 200 == scan(other.test_client(), table).status_code
    assert 404 == scan(browser, table).status_code


@pytest.mark.alone
@pytest.mark.parametrize("how", ["revoke", "archive"])
def test_a_revocation_ends_the_passes_of_that_table_within_about_a_second(
    app: Flask, client: FlaskClient, bartender: Headers, terrace: Table, how: str
) -> None:
    out, other = app.test_client(), app.test_client()
    scan(out, terrace)
    scan(other, tables(client, bartender, "5")[0])
    assert [202, 202] == [order(one).status_code for one in (out, other)]

    path = f"/tables/{terrace['id']}"
    answer = (
        client.post(f"{path}/revoke", headers=bartender) if how == "revoke" else client.delete(path, headers=bartender)
    )

    assert answer.status_code < 300
    eventually(lambda: 401 == order(out).status_code, ABOUT_A_SECOND)
    assert 401 == out.post("/session/refresh", headers=OWN).status_code
    assert 404 == scan(out, terrace).status_code
    assert (202, 200) == (order(other).status_code, other.post("/session/refresh", headers=OWN).status_code)


def test_with_the_new_code_guests_come_in_again(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table
) -> None:
    before = scan(browser, terrace).get_json()["user"]
    renewed = client.post(f"/tables/{terrace['id']}/revoke", headers=bartender).get_json()
    after = scan(browser, renewed)
    assert (200, False) == (after.status_code, before == after.get_json()["user"])


def test_a_pass_that_is_opened_while_the_code_is_revoked_does_not_outlive_it(
    browser: FlaskClient, terrace: Table, bar: Bar
) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE tables SET link_version = link_version + 1")
        attempt = pool.submit(scan, browser, terrace)
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.commit()
        assert 404 == attempt.result().status_code
    assert [] == guests_in(bar)


def test_a_pass_lives_for_its_time_however_often_it_is_refreshed(bar: Bar) -> None:
    with running_app(bar, guest_pass_seconds=120) as app:
        client, browser = app.test_client(), app.test_client()
        [table] = tables(client, sign_in(client, "bartender@example.com"), "1")
        scan(browser, table)
        assert all(110 < seconds <= 120 for seconds in lives(browser))
        bar.change("UPDATE sessions SET expires_at = now() + interval '20 seconds'")
        scan(browser, table)
        assert all(10 < seconds <= 20 for seconds in lives(browser))
        bar.change("UPDATE sessions SET expires_at = now()")
        assert 401 == browser.post("/session/refresh", headers=OWN).status_code
        assert 200 == scan(browser, table).status_code
    assert 2 == len(guests_in(bar))


def lives(browser: FlaskClient) -> list[int]:
    """For how many seconds each cookie is kept, and the access token in it is good."""
    access, refresh = browser.get_cookie("access_token"), browser.get_cookie("refresh_token", path="/session")
    assert access is not None
    assert refresh is not None
    return [access.max_age or 0, refresh.max_age or 0, browser.get("/session").get_json()["expires_in"]]


def let_in(bar: Bar, table: Table, count: int, *, first_seconds_ago: float) -> None:
    """So many guests have come by the table's link, one a second."""
    bar.change(
        "INSERT INTO users (username, role, table_id, created_at)"
        f" SELECT 'guest-' || n, 'customer', '{table['id']}', now() - interval '1 second' * ({first_seconds_ago} - n)"
        f" FROM generate_series(0, {count - 1}) AS n"
    )
    bar.change(f"UPDATE tables SET link_made_at = now() - interval '1 day' WHERE id = '{table['id']}'")


def test_too_many_by_one_code_are_refused_until_there_is_room_again(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table, bar: Bar
) -> None:
    let_in(bar, terrace, MAX_GUESTS, first_seconds_ago=WINDOW_SECONDS - 100)
    answer = scan(browser, terrace)
    assert (429, "too_many_requests") == (answer.status_code, answer.get_json()["code"])
    assert 90 < int(answer.headers["Retry-After"]) <= 100
    assert 200 == scan(browser, tables(client, bartender, "5")[0]).status_code

    bar.change("UPDATE users SET created_at = created_at - interval '101 seconds' WHERE table_id IS NOT NULL")
    assert 200 == scan(browser, terrace).status_code


def test_with_a_new_code_the_count_begins_anew(
    client: FlaskClient, browser: FlaskClient, bartender: Headers, terrace: Table, bar: Bar
) -> None:
    let_in(bar, terrace, MAX_GUESTS, first_seconds_ago=MAX_GUESTS)
    renewed = client.post(f"/tables/{terrace['id']}/revoke", headers=bartender).get_json()
    assert 200 == scan(browser, renewed).status_code


def test_of_many_who_scan_at_once_no_more_come_in_than_may(app: Flask, terrace: Table, bar: Bar) -> None:
    let_in(bar, terrace, MAX_GUESTS - 2, first_seconds_ago=MAX_GUESTS)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: scan(app.test_client(), terrace), range(8)))
    assert [200] * 2 + [429] * 6 == sorted(answer.status_code for answer in answers)


def test_a_guest_of_a_table_has_no_password_to_change(browser: FlaskClient, terrace: Table) -> None:
    scan(browser, terrace)
    body = {"old_password": "password123", "password": "password124"}
    assert 403 == browser.patch("/me", json=body, headers=OWN).status_code
    assert 200 == browser.get("/me").status_code


def test_admins_see_people_and_may_shut_a_guest_out_but_give_no_role(
    client: FlaskClient, browser: FlaskClient, admin: Headers, terrace: Table
) -> None:
    guest = scan(browser, terrace).get_json()["user"]
    for query in ("", "?role=customer"):
        names = [user["username"] for user in client.get(f"/users{query}", headers=admin).get_json()["users"]]
        assert ("user" in names, guest["username"] in names) == (True, False)

    path = f"/users/{guest['id']}"
    answer = client.patch(path, json={"role": "employee"}, headers=admin)
    assert (409, "not_a_person") == (answer.status_code, answer.get_json()["code"])
    assert 200 == client.patch(path, json={"disabled": True}, headers=admin).status_code
    eventually(lambda: 401 == order(browser).status_code, ABOUT_A_SECOND)


def test_a_scanned_link_stands_in_no_log(
    browser: FlaskClient, terrace: Table, caplog: pytest.LogCaptureFixture
) -> None:
    assert 200 == browser.get(f"/t/{token_of(terrace)}").status_code
    scan(browser, terrace)
    assert "/t/" in caplog.text
    assert token_of(terrace) not in caplog.text
