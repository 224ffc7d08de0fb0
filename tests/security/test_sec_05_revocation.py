"""Who was disabled or demoted is out on every worker of a real server within about a second, and no request asks."""

import httpx
import pytest

from dev.postgres import PrivatePostgres
from shakerqueue.revocations import STALE_SECONDS
from tests.support.bar import Bar, sign_in
from tests.support.databases import closed_to_all
from tests.support.waiting import eventually

REQUESTS = 200
ABOUT_A_SECOND = 1.5

Headers = dict[str, str]


def statuses(client: httpx.Client, headers: Headers, count: int, path: str = "/users") -> set[int]:
    """How GET is answered; each request on a connection of its own, so that any worker may get it."""
    alone = {**headers, "Connection": "close"}
    return {client.get(path, headers=alone).status_code for _ in range(count)}


def order_statuses(client: httpx.Client, headers: Headers, count: int) -> set[int]:
    """The same for an order, which needs nothing of the database while the broker is there."""
    alone = {**headers, "Connection": "close"}
    order = {"recipe": "Margarita"}
    return {client.post("/orders", json=order, headers=alone).status_code for _ in range(count)}


def change(client: httpx.Client, admin: Headers, bar: Bar, username: str, **rights: object) -> None:
    [(user,)] = bar.query(f"SELECT id FROM users WHERE username = '{username}'")
    assert 200 == client.patch(f"/users/{user}", json=rights, headers=admin).status_code


@pytest.mark.alone
def test_sec_05_who_was_demoted_disabled_or_has_logged_out_is_out_on_every_worker(bar: Bar) -> None:
    bar.change("UPDATE users SET role = 'admin' WHERE username IN ('bartender', 'user')")
    bar.change(
        "INSERT INTO users (username, email, password_hash, role)"
        " SELECT 'boss', 'boss@example.com', password_hash, 'admin' FROM users WHERE username = 'admin'"
    )
    with bar.api() as client:
        admin, demoted, disabled, out = (
            sign_in(client, f"{name}@example.com") for name in ("admin", "bartender", "boss", "user")
        )
        # Each worker has to have heard of the revocations for the first time.
        eventually(lambda: {200} == statuses(client, admin, count=20))
        assert {200} == {status for who in (demoted, disabled, out) for status in statuses(client, who, count=20)}

        change(client, admin, bar, "bartender", role="customer")
        change(client, admin, bar, "boss", disabled=True)
        assert 204 == client.post("/logout", headers=out).status_code

        ended = (demoted, disabled, out)
        eventually(lambda: {401} == {each for who in ended for each in statuses(client, who, 5)}, ABOUT_A_SECOND)
        assert [{401}] * 3 == [statuses(client, who, REQUESTS) for who in ended]
        assert {403} == statuses(client, sign_in(client, "bartender@example.com"), count=1)
        assert {200} == statuses(client, admin, count=20)


@pytest.mark.alone
def test_sec_05_no_request_asks_the_database_and_staff_fail_closed_when_nobody_can_know(
    bar: Bar, postgres: PrivatePostgres
) -> None:
    """With the database closed to all, whatever is answered right is known without it."""
    with bar.api() as client:
        admin, staff, demoted, guest = (
            sign_in(client, f"{name}@example.com") for name in ("admin", "bartender", "bartender", "user")
        )
        eventually(lambda: {200} == statuses(client, admin, count=20))
        out = sign_in(client)
        assert 204 == client.post("/logout", headers=out).status_code
        eventually(lambda: {401} == statuses(client, out, 5, "/me"), ABOUT_A_SECOND)

        with closed_to_all(bar, postgres):
            assert {401} == order_statuses(client, out, REQUESTS)
            assert {202} == order_statuses(client, guest, REQUESTS)
            # Nobody knows any more who was demoted: the staff's routes are closed, and the rest is a guest's.
            eventually(lambda: {503} == statuses(client, admin, 5) | statuses(client, staff, 5, "/queue"))
            assert {503} == statuses(client, admin, REQUESTS)
            assert {503} == statuses(client, demoted, REQUESTS, "/queue")
            assert {202} == order_statuses(client, staff, 20)
            rush = {"recipe": "Margarita", "rush": True}
            assert 403 == client.post("/orders", json=rush, headers=staff).status_code

        eventually(lambda: {200} == statuses(client, admin, count=20), STALE_SECONDS)
