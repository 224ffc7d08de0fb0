"""A revocation reaches every worker of a real server within about a second."""

import httpx
import pytest

from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

REQUESTS = 200
ABOUT_A_SECOND = 1.5


def statuses(client: httpx.Client, headers: dict[str, str], count: int) -> set[int]:
    """What GET /users is answered; each request on a connection of its own, so that any worker may get it."""
    alone = {**headers, "Connection": "close"}
    return {client.get("/users", headers=alone).status_code for _ in range(count)}


@pytest.mark.alone
def test_who_was_demoted_or_has_logged_out_is_out_on_every_worker(bar: Bar) -> None:
    bar.change("UPDATE users SET role = 'admin' WHERE username IN ('bartender', 'user')")
    with bar.api() as client:
        admin, demoted, out = (sign_in(client, f"{name}@example.com") for name in ("admin", "bartender", "user"))
        # Each worker has to have heard of the revocations for the first time.
        eventually(lambda: {200} == statuses(client, admin, count=20))
        assert {200} == statuses(client, demoted, count=20) | statuses(client, out, count=20)

        [(bartender,)] = bar.query("SELECT id FROM users WHERE username = 'bartender'")
        assert 200 == client.patch(f"/users/{bartender}", json={"role": "customer"}, headers=admin).status_code
        assert 204 == client.post("/logout", headers=out).status_code

        eventually(lambda: {401} == statuses(client, demoted, 5) | statuses(client, out, 5), ABOUT_A_SECOND)
        assert {401} == statuses(client, demoted, REQUESTS) | statuses(client, out, REQUESTS)
        assert {403} == statuses(client, sign_in(client, "bartender@example.com"), count=1)
