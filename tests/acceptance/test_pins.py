"""The limit of wrong PINs, on a real server: one count for all of its processes, and none forgotten by a restart."""

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.bar import Bar, sign_in

GUESSES = 20


def statuses_at_once(client: httpx.Client, headers: dict[str, str], body: dict[str, str]) -> list[int]:
    """Guesses at the same time, each on a connection of its own, so that all workers get some."""
    alone = {**headers, "Connection": "close"}
    with ThreadPoolExecutor(GUESSES) as hands:
        answers = hands.map(lambda _: client.post("/session/switch", json=body, headers=alone), range(GUESSES))
        return sorted(answer.status_code for answer in answers)


def test_five_wrong_pins_are_looked_at_whichever_process_is_asked_and_however_often_it_restarts(bar: Bar) -> None:
    [(admin,)] = bar.query("SELECT id FROM users WHERE username = 'admin'")
    wrong, right = ({"user_id": str(admin), "pin": pin} for pin in ("9753", "1379"))

    with bar.api() as client:
        tablet = sign_in(client, "bartender@example.com")
        assert [422] * 5 + [429] * (GUESSES - 5) == statuses_at_once(client, tablet, wrong)

    with bar.api() as client:
        assert [429] * GUESSES == statuses_at_once(client, tablet, right)
        another = sign_in(client, "admin@example.com")  # the password is as good as ever
        assert 429 == client.post("/session/switch", json=right, headers=another).status_code
