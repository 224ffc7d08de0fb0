"""Migrations while the bar works: what runs goes on, and no order is lost or refused."""

import threading
from typing import Self

import httpx
import pytest

from shakerqueue.migrations import migrate_down, migrate_up, migration_status
from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

# The oldest schema on which what runs takes and stores orders. A migration that they need moves it on.
OLDEST = "0014_order_became.up"
MOST_SECONDS = 3.0  # the API's deadline, and a little


class Guests(threading.Thread):
    """Orders, one after the other, each sent once; what they were told, and how long the slowest took."""

    def __init__(self, client: httpx.Client) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.refused: list[str] = []
        self.slowest_seconds = 0.0
        self._client = client
        self._guest = sign_in(client)
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            answer = self._client.post("/orders", json={"recipe": "Margarita"}, headers=self._guest)
            self.slowest_seconds = max(self.slowest_seconds, answer.elapsed.total_seconds())
            if answer.status_code == httpx.codes.ACCEPTED:
                self.ids.append(answer.json()["id"])
            else:
                self.refused.append(answer.text)

    def await_more(self) -> None:
        before = len(self.ids)
        eventually(lambda: len(self.ids) > before + 50, deadline_seconds=30)


@pytest.mark.slow
def test_migrations_while_orders_come_in_cost_none(bar: Bar) -> None:
    names = list(migration_status(bar.database_url))
    missing = names[names.index(OLDEST) + 1 :]
    migrate_down(bar.database_url, steps=len(missing))
    with bar.api() as client, bar.process("consume"), Guests(client) as guests:
        guests.await_more()
        assert missing == migrate_up(bar.database_url)
        guests.await_more()
        assert [] == guests.refused
        assert guests.slowest_seconds < MOST_SECONDS
        eventually(lambda: set(guests.ids) == stored(bar), deadline_seconds=30)


def stored(bar: Bar) -> set[object]:
    return {id for (id,) in bar.query("SELECT id::text FROM orders")}
