"""Look-ups of clients' keys: who asks alone, who asks for others, and what becomes of those who wait."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from shakerqueue import key_look_ups
from shakerqueue.database import Database, DeadlineConnection, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.key_look_ups import ClientKey, KeyLookUps, orders_under
from shakerqueue.order_store import store
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order
from shakerqueue.telemetry.metrics import Writer
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

LONG_SECONDS = 5.0
GUEST, BARTENDER = "user@example.com", "bartender@example.com"
THREADS, ROUNDS = 8, 100

Store = Callable[[str, str], UUID]
Found = Future[Order | None]


class HeldQueries:
    """The query, each time held up until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._query = orders.list_orders_by_idempotency_keys
        self.gates: list[threading.Event] = []  # of those that were asked, in their order
        self.keys: list[set[str]] = []
        self.deadlines: list[Deadline | None] = []
        self.failure: Exception | None = None
        monkeypatch.setattr(orders, "list_orders_by_idempotency_keys", self._ask)

    def _ask(self, conn: DeadlineConnection, **arguments: Any) -> list[Order]:
        gate = threading.Event()
        self.gates.append(gate)
        self.deadlines.append(conn.deadline)
        self.keys.append(set(arguments["idempotency_keys"]))  # last: who sees these can open the gate
        assert gate.wait(LONG_SECONDS)
        if self.failure:
            raise self.failure
        return self._query(conn, **arguments)

    def let_go(self, number: int) -> None:
        """Let the query of this number, from 0, go on as soon as it is asked."""
        eventually(lambda: len(self.keys) > number)
        self.gates[number].set()


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=THREADS) as database:
        yield database


@pytest.fixture
def look_ups(database: Database) -> KeyLookUps:
    return KeyLookUps(database)


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> HeldQueries:
    return HeldQueries(monkeypatch)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks beside another, however long that one is held up."""
    monkeypatch.setattr(key_look_ups, "PATIENCE_SECONDS", LONG_SECONDS)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as threads:
        yield threads


@pytest.fixture
def stored(database: Database) -> Store:
    """Stores an order under somebody's key; its id."""

    def place(email: str, key: str) -> UUID:
        with database.connection() as conn:
            placed = order(principal_id(conn, email), drink(conn), key=key)
        assert not store(database, [placed], Writer.API, soon())
        return placed.id

    return place


@pytest.fixture
def guest(database: Database) -> UUID:
    return whose(database, GUEST)


def whose(database: Database, email: str) -> UUID:
    with database.connection() as conn:
        return principal_id(conn, email)


def soon() -> Deadline:
    return Deadline.after(LONG_SECONDS)


def id_of(found: Order | None) -> UUID | None:
    return found.id if found else None


def held_up(threads: ThreadPoolExecutor, look_ups: KeyLookUps, queries: HeldQueries, principal_id: UUID) -> Found:
    """A request that asks and gets no answer yet."""
    first = threads.submit(look_ups.order_under, ClientKey(principal_id, "first"), soon())
    eventually(lambda: 1 == len(queries.keys))
    return first


def gathered(
    threads: ThreadPoolExecutor,
    look_ups: KeyLookUps,
    queries: HeldQueries,
    *keys: ClientKey,
    seconds: float = LONG_SECONDS,
) -> tuple[Found, list[Found]]:
    """A request that is held up, and one for each key that waits behind it: for tests in which all are patient."""
    first = held_up(threads, look_ups, queries, keys[0].principal_id)
    return first, [joined(threads, look_ups, key, Deadline.after(seconds)) for key in keys]


def joined(threads: ThreadPoolExecutor, look_ups: KeyLookUps, key: ClientKey, deadline: Deadline) -> Found:
    """A request that waits behind the others."""
    before = len(look_ups._waiting)
    answer = threads.submit(look_ups.order_under, key, deadline)
    eventually(lambda: before + 1 == len(look_ups._waiting))
    return answer


def test_who_is_alone_is_answered(look_ups: KeyLookUps, guest: UUID, stored: Store) -> None:
    id = stored(GUEST, "mine")
    assert id == id_of(look_ups.order_under(ClientKey(guest, "mine"), soon()))
    assert look_ups.order_under(ClientKey(guest, "another"), soon()) is None


def test_a_key_is_its_principals_alone(database: Database, guest: UUID, stored: Store) -> None:
    bartender = whose(database, BARTENDER)
    of_guest, of_bartender = stored(GUEST, "one"), stored(BARTENDER, "two")
    keys = [ClientKey(who, key) for who in (guest, bartender) for key in ("one", "two")]
    found = orders_under(database, keys, soon())
    assert {(guest, "one"): of_guest, (bartender, "two"): of_bartender} == {key: it.id for key, it in found.items()}


@pytest.mark.usefixtures("patient")
def test_requests_that_ask_at_the_same_time_share_a_query(
    threads: ThreadPoolExecutor,
    look_ups: KeyLookUps,
    queries: HeldQueries,
    database: Database,
    guest: UUID,
    stored: Store,
) -> None:
    """Each is told of its own key, also where somebody else's reads alike."""
    mine, same = stored(GUEST, "mine"), stored(BARTENDER, "same")
    keys = [ClientKey(guest, "mine"), ClientKey(guest, "same"), ClientKey(whose(database, BARTENDER), "same")]
    first, answers = gathered(threads, look_ups, queries, *keys)
    queries.let_go(0)
    queries.let_go(1)
    assert [mine, None, same] == [id_of(answer.result(LONG_SECONDS)) for answer in answers]
    assert first.result(LONG_SECONDS) is None
    assert [{"first"}, {"mine", "same"}] == queries.keys


@pytest.mark.usefixtures("patient")
def test_the_youngest_asks_next_and_no_longer_than_for_itself(
    threads: ThreadPoolExecutor, look_ups: KeyLookUps, queries: HeldQueries, guest: UUID
) -> None:
    _, [older] = gathered(threads, look_ups, queries, ClientKey(guest, "older"))
    deadline = soon()
    younger = joined(threads, look_ups, ClientKey(guest, "younger"), deadline)
    queries.let_go(0)
    queries.let_go(1)
    assert [None, None] == [answer.result(LONG_SECONDS) for answer in (older, younger)]
    assert deadline == queries.deadlines[1]


@pytest.mark.usefixtures("patient")
def test_who_waits_too_long_hears_so(
    threads: ThreadPoolExecutor, look_ups: KeyLookUps, queries: HeldQueries, guest: UUID
) -> None:
    """Whether somebody asks for it already, or it would be its turn just when its time is over."""
    _, [taken_along] = gathered(threads, look_ups, queries, ClientKey(guest, "older"), seconds=1.0)
    youngest = joined(threads, look_ups, ClientKey(guest, "youngest"), soon())
    with pytest.raises(Unavailable):
        look_ups.order_under(ClientKey(guest, "hasty"), Deadline.after(0.05))
    queries.let_go(0)
    assert isinstance(taken_along.exception(LONG_SECONDS), Unavailable)
    queries.let_go(1)
    assert youngest.result(LONG_SECONDS) is None
    assert "hasty" not in queries.keys[1]


def test_nobody_waits_for_long_for_one_who_gets_no_answer(
    threads: ThreadPoolExecutor, look_ups: KeyLookUps, queries: HeldQueries, guest: UUID, stored: Store
) -> None:
    id = stored(GUEST, "mine")
    first = held_up(threads, look_ups, queries, guest)
    mine = threads.submit(look_ups.order_under, ClientKey(guest, "mine"), soon())
    queries.let_go(1)
    assert id == id_of(mine.result(LONG_SECONDS))
    assert not first.done()
    assert [{"first"}, {"mine"}] == queries.keys
    queries.let_go(0)


@pytest.mark.usefixtures("patient")
def test_a_failure_is_told_to_those_whom_it_concerns_and_the_next_ask_again(
    threads: ThreadPoolExecutor, look_ups: KeyLookUps, queries: HeldQueries, guest: UUID
) -> None:
    """The one who asked hears of it as it is, also if nobody foresaw it; the others, that there was no answer."""
    first, others = gathered(threads, look_ups, queries, *(ClientKey(guest, key) for key in ("a", "b", "c")))
    queries.let_go(0)
    assert first.result(LONG_SECONDS) is None
    queries.failure = ZeroDivisionError()
    queries.let_go(1)
    failures = [type(answer.exception(LONG_SECONDS)) for answer in others]
    assert [Unavailable, Unavailable, ZeroDivisionError] == failures

    queries.failure = None
    again = threads.submit(look_ups.order_under, ClientKey(guest, "a"), soon())
    queries.let_go(2)
    assert again.result(LONG_SECONDS) is None


def test_many_at_the_same_time_are_each_told_of_their_own(
    threads: ThreadPoolExecutor, look_ups: KeyLookUps, guest: UUID, stored: Store
) -> None:
    ids = {ClientKey(guest, f"order {number}"): stored(GUEST, f"order {number}") for number in range(THREADS)}

    def ask(mine: ClientKey) -> set[UUID | None]:
        wanted = [mine, ClientKey(guest, uuid4().hex)] * ROUNDS
        return {id_of(look_ups.order_under(key, soon())) for key in wanted}

    assert [{id, None} for id in ids.values()] == list(threads.map(ask, ids))
    assert (0, []) == (look_ups._asking, look_ups._waiting)
