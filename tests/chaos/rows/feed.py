"""The row of those who follow: eight write at once, one of them slowly, and readers leave and come back."""

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import httpx
import psycopg

from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from tests.chaos.attempts import AttemptedOrder, published_order
from tests.chaos.guests import Guests, Manners, Principal, sign_in
from tests.chaos.house import House
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import EFFECT_SECONDS, await_fact

WRITERS = 8
READERS = 4
SLOW_SECONDS = 0.3
READ_SECONDS = 30.0
LONG_TRANSACTION = "UPDATE recipes SET updated_at = updated_at WHERE name = 'Negroni'"


class Reader:
    """Follows the feed, and leaves it so many times, each time at another moment; `seen` holds the ids as they came."""

    def __init__(self, house: House, who: Principal, leaves: int, seed: int) -> None:
        self.seen: list[int] = []
        self.place: int | None = None
        self.returns = 0
        self._url = f"{house.api.url}/events"
        self._who = who
        self._leaves = leaves
        self._chance = random.Random(seed)
        self.enough = threading.Event()

    def follow(self) -> None:
        while not self.enough.is_set():
            place = {} if self.place is None else {"Last-Event-ID": str(self.place)}
            with httpx.stream("GET", self._url, headers={**self._who.headers, **place}, timeout=READ_SECONDS) as answer:
                assert httpx.codes.OK == answer.status_code
                self._read(answer.iter_lines())

    def _read(self, lines: Iterator[str]) -> None:
        """Until it is time to leave: in the middle of anything, such as between an id and its data."""
        left_after = self._chance.randint(1, 400) if self.returns < self._leaves else None
        place: int | None = None
        for number, line in enumerate(lines):
            name, _, value = line.partition(": ")
            if name == "id":
                place = int(value)
            elif name == "data":
                self._take(place, json.loads(value))
                place = None
            if self.enough.is_set() or number == left_after:
                self.returns += number == left_after
                return

    def _take(self, place: int | None, data: dict[str, object]) -> None:
        if place is not None:
            self.place = place
            if "order_id" in data:
                self.seen.append(place)


class Feed(Row):
    """Ids are drawn before they are committed: a reader who trusts them alone misses what commits late."""

    number = "22"
    title = "the feed of events, eight writers, one slow transaction"
    fault = "readers leave in the middle and come back by Last-Event-ID"
    full = Size(20_000, 50, 2)
    small = Size(400, 8)

    def guests(self, house: House) -> Guests:
        """Nobody: `carry_out` writes."""
        return Guests(house.api.url, [], Manners(threads=0))

    def carry_out(self, scene: Scene) -> None:
        bartender = sign_in(scene.house.api.url, "bartender@example.com")
        leaves = -(-scene.size.faults // READERS)
        readers = [Reader(scene.house, bartender, leaves, scene.earlier_faults + n) for n in range(READERS)]
        with ThreadPoolExecutor(READERS) as pool:
            following = [pool.submit(reader.follow) for reader in readers]
            await_fact("all follow", lambda: all(reader.place is not None for reader in readers))
            start = min(reader.place or 0 for reader in readers)
            self._write(scene)
            self._await_end(scene, readers, following)
        self._compare(scene, readers, start)

    def _compare(self, scene: Scene, readers: list[Reader], start: int) -> None:
        """Every reader began before the first write, so each must have seen all of it, once, in the log's order."""
        rows = scene.house.query(f"SELECT id FROM order_events WHERE id > {start} ORDER BY id")
        expected = [int(str(row[0])) for row in rows]
        for reader in readers:
            scene.saw("readers' returns", reader.returns)
            scene.saw("events followed", len(reader.seen))
            if reader.seen != expected:
                missed, twice = set(expected) - set(reader.seen), len(reader.seen) - len(set(reader.seen))
                scene.problems.append(f"a reader missed {len(missed)} events and got {twice} twice, or out of order")

    def _write(self, scene: Scene) -> None:
        guest = sign_in(scene.house.api.url, "user@example.com")
        [[recipe_id]] = scene.house.query("SELECT id FROM recipes WHERE name = 'Margarita'")
        wanted = [published_order(guest.id, "Margarita") for _ in range(scene.size.orders)]
        scene.guests.orders += wanted
        with open_transaction(scene.house), ThreadPoolExecutor(WRITERS) as pool:
            shares = [wanted[n::WRITERS] for n in range(WRITERS)]
            work = [
                pool.submit(_store, scene.house, share, UUID(str(recipe_id)), slow=number == 0)
                for number, share in enumerate(shares)
            ]
            for done in work:
                done.result()

    def _await_end(self, scene: Scene, readers: list[Reader], following: list[Future[None]]) -> None:
        [[last]] = scene.house.query("SELECT max(id) FROM order_events")
        try:
            await_fact(
                "all have read to the end",
                lambda: all(reader.place == last for reader in readers) or any(one.done() for one in following),
                EFFECT_SECONDS,
            )
        finally:
            for reader in readers:
                reader.enough.set()
            _wake_readers(scene.house)
        for one in following:
            one.result()


@contextmanager
def open_transaction(house: House) -> Iterator[None]:
    """A write transaction that stays open all the while, as a long report or a forgotten session does."""
    with psycopg.connect(house.database_url) as conn:
        conn.execute(LONG_TRANSACTION)
        yield
        conn.rollback()


def _store(house: House, share: list[AttemptedOrder], recipe_id: UUID, *, slow: bool) -> None:
    """Each order in a transaction of its own; the slow writer commits only a while after its event has its id."""
    with psycopg.connect(house.database_url) as conn:
        for number, wanted in enumerate(share):
            insert_orders(conn, [_order(wanted, recipe_id)])
            if slow and number % 20 == 0:
                conn.execute("SELECT pg_sleep(%s)", [SLOW_SECONDS])
            conn.commit()


def _order(wanted: AttemptedOrder, recipe_id: UUID) -> OrderPlaced:
    [order_id] = wanted.told_ids
    return OrderPlaced(
        id=UUID(order_id),
        principal_id=UUID(wanted.principal_id),
        idempotency_key=wanted.key or order_id,
        fingerprint=bytes(32),
        placed_at=datetime.now(UTC),
        items=(ItemPlaced(recipe_id=recipe_id, recipe=wanted.recipe),),
        external_id=wanted.mark,
    )


def _wake_readers(house: House) -> None:
    """Wake the readers, who sit in a read: the bar's state changes, and all of them are told."""
    with psycopg.connect(house.database_url) as conn:
        conn.execute("UPDATE bar SET reason = coalesce(reason, '') || '.'")
