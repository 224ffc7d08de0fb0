"""Look-ups of clients' keys: who asks alone, who asks for others, and what becomes of those who wait."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.key_look_ups import ClientKey, Found, KeyLookUps, _Question
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_store import store
from shakerqueue.queries import orders
from shakerqueue.telemetry.metrics import Writer
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.queries import counted
from tests.support.waiting import eventually

REQUESTS = 20


def soon() -> Deadline:
    return Deadline.after(5)


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests") as database:
        yield database


@pytest.fixture
def look_ups(database: Database) -> KeyLookUps:
    return KeyLookUps(database)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    return counted(monkeypatch, orders, "list_orders_by_idempotency_keys")


@pytest.fixture
def stored(database: Database) -> Callable[[str, str], UUID]:
    """Stores an order under somebody's key; its id."""

    def place(email: str, key: str) -> UUID:
        with database.connection() as conn:
            placed: OrderPlaced = order(principal_id(conn, email), drink(conn), key=key)
        assert not store(database, [placed], Writer.API, soon())
        return placed.id

    return place


@pytest.fixture
def guest(database: Database) -> UUID:
    return whose(database, "user@example.com")


def whose(database: Database, email: str) -> UUID:
    with database.connection() as conn:
        return principal_id(conn, email)


@contextmanager
def held_up(bar: Bar) -> Iterator[psycopg.Connection[Any]]:
    """Nobody can read an order until this is rolled back."""
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        yield conn


def gathered(
    requests: ThreadPoolExecutor, look_ups: KeyLookUps, bar: Bar, keys: list[ClientKey], deadline: Deadline
) -> list[Future[Found]]:
    """A request for each key: the first asks, and the others wait for it."""
    first = requests.submit(look_ups.orders_under, keys[:1], deadline)
    eventually(bar.waiting_for_a_lock)
    others = [requests.submit(look_ups.orders_under, [key], deadline) for key in keys[1:]]
    eventually(lambda: len(keys) - 1 == len(look_ups._waiting))
    return [first, *others]


def test_who_is_alone_is_answered(look_ups: KeyLookUps, guest: UUID, stored: Callable[[str, str], UUID]) -> None:
    id = stored("user@example.com", "mine")
    mine, another = ClientKey(guest, "mine"), ClientKey(guest, "another")
    assert {mine: id} == ids(look_ups.orders_under([mine, another], soon()))
    assert {} == look_ups.orders_under([another], soon())


def ids(found: Found) -> dict[ClientKey, UUID]:
    return {key: order.id for key, order in found.items()}


def test_a_key_is_its_principals_alone(
    look_ups: KeyLookUps, database: Database, guest: UUID, stored: Callable[[str, str], UUID]
) -> None:
    """Also where both are asked about together, and each has both keys in the same list."""
    bartender = whose(database, "bartender@example.com")
    of_guest, of_bartender = stored("user@example.com", "one"), stored("bartender@example.com", "two")
    both = [ClientKey(who, key) for who in (guest, bartender) for key in ("one", "two")]
    expected = {ClientKey(guest, "one"): of_guest, ClientKey(bartender, "two"): of_bartender}
    assert expected == ids(look_ups.orders_under(both, soon()))


def test_requests_that_ask_at_the_same_time_share_a_query(
    bar: Bar, look_ups: KeyLookUps, guest: UUID, stored: Callable[[str, str], UUID], asked: list[dict[str, Any]]
) -> None:
    """Each is told of its own key only."""
    keys = [ClientKey(guest, f"key {number}") for number in range(REQUESTS)]
    id = stored("user@example.com", keys[7].key)
    with held_up(bar) as conn, ThreadPoolExecutor(REQUESTS) as requests:
        answers = gathered(requests, look_ups, bar, keys, soon())
        conn.rollback()
        found = [ids(answer.result(5)) for answer in answers]
    assert [{keys[7]: id} if number == 7 else {} for number in range(REQUESTS)] == found
    assert [1, REQUESTS - 1] == [len(arguments["idempotency_keys"]) for arguments in asked]


def test_who_waits_too_long_hears_so_and_is_not_asked_for(
    bar: Bar, look_ups: KeyLookUps, guest: UUID, asked: list[dict[str, Any]]
) -> None:
    with held_up(bar) as conn, ThreadPoolExecutor(2) as requests:
        [patient] = gathered(requests, look_ups, bar, [ClientKey(guest, "patient")], soon())
        with pytest.raises(Unavailable):
            look_ups.orders_under([ClientKey(guest, "hasty")], Deadline.after(0.05))
        conn.rollback()
        assert {} == patient.result(5)
    assert {} == look_ups.orders_under([ClientKey(guest, "later")], soon())
    assert [["patient"], ["later"]] == [list(arguments["idempotency_keys"]) for arguments in asked]


def test_a_turn_that_comes_too_late_for_one_is_taken_for_those_behind(
    look_ups: KeyLookUps, guest: UUID, stored: Callable[[str, str], UUID]
) -> None:
    """Whoever is to ask next may have given up in this very moment. Then they are answered after all."""
    id = stored("user@example.com", "late")
    first, late, behind = (_Question([ClientKey(guest, key)], soon()) for key in ("first", "late", "behind"))
    assert [True, False, False] == [look_ups._is_first(one) for one in (first, late, behind)]
    look_ups._waiting.remove(first)  # it asks
    look_ups._pass_on()
    look_ups._give_up(late)

    assert late.is_to_ask
    assert [id] == list(ids(look_ups._ask_for_all(late)).values())
    assert {} == behind.answer()
    assert {} == look_ups.orders_under([ClientKey(guest, "later")], soon())


def test_a_failure_is_told_to_all_whom_it_concerns_and_the_next_ask_again(
    bar: Bar, look_ups: KeyLookUps, guest: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who asked hears of it as it is, also if nobody foresaw it; the others, that they were not answered."""
    query = orders.list_orders_by_idempotency_keys

    def fail(conn: Any, **arguments: Any) -> Any:
        if len(arguments["idempotency_keys"]) > 1:
            raise ZeroDivisionError
        return query(conn, **arguments)

    monkeypatch.setattr(orders, "list_orders_by_idempotency_keys", fail)
    keys = [ClientKey(guest, uuid4().hex) for _ in range(4)]
    with held_up(bar) as conn, ThreadPoolExecutor(4) as requests:
        answers = gathered(requests, look_ups, bar, keys, soon())
        conn.rollback()
        assert {} == answers[0].result(5)
        failures = {type(answer.exception(5)) for answer in answers[1:]}
    assert {ZeroDivisionError, Unavailable} == failures
    assert {} == look_ups.orders_under(keys[:1], soon())
