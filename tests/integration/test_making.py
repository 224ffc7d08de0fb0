"""Making drinks, against a real PostgreSQL: claims that never meet, orders that complete, stock that adds up."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import starmap
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg.errors import CheckViolation

from shakerqueue import making
from shakerqueue.database import Database, DeadlineConnection, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import IllegalTransition, NotFound, SoldOut
from shakerqueue.intake import insert_orders
from shakerqueue.making import (
    MAX_FAILED_AT_ONCE,
    FailedDrinks,
    act_on_item,
    act_on_order,
    claim_next,
    fail_waiting,
)
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_lifecycle import CLAIM_SECONDS, Actor, Verb
from shakerqueue.queries import cancellations, open_drinks, order_items, orders, ready_drinks
from shakerqueue.queries.models import ItemStatus, OrderItem, OrderStatus, UserRole
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=1)
TEST_SECONDS = 120  # longer than any test takes


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=24) as database:
        yield database


@pytest.fixture
def conn(database: Database) -> Iterator[DeadlineConnection]:
    with database.connection(Deadline.after(TEST_SECONDS)) as conn:
        yield conn


@pytest.fixture
def guest(conn: DeadlineConnection) -> UUID:
    return principal_id(conn)


@pytest.fixture
def staff(conn: DeadlineConnection) -> list[Actor]:
    """Twenty bartenders."""
    ids = conn.execute(
        "INSERT INTO users (username, email, password_hash, role)"
        " SELECT 'b' || n, 'b' || n || '@example.com', 'x', 'employee' FROM generate_series(1, 20) AS n RETURNING id"
    ).fetchall()
    return [Actor(id, UserRole.EMPLOYEE) for (id,) in ids]


def store(database: Database, *placed: OrderPlaced) -> None:
    with database.transaction() as conn:
        insert_orders(conn, placed)


def do(database: Database, verb: Verb, actor: Actor, placed: OrderPlaced, number: int = 1, **when: Any) -> None:
    with database.transaction() as conn:
        act_on_item(conn, placed.id, number, verb, actor, when.get("now", NOON), when.get("reason"))


def claim(database: Database, actor: Actor, at_most: int = 1, now: datetime = NOON) -> list[OrderItem]:
    with database.transaction() as conn:
        return claim_next(conn, actor, at_most, None, now)


def outcome(act: Callable[[], None]) -> str:
    try:
        act()
    except IllegalTransition:
        return "refused"
    return "done"


def statuses(conn: DeadlineConnection, placed: OrderPlaced) -> list[ItemStatus]:
    return [item.status for item in order_items.list_order_items(conn, order_id=placed.id)]


def order_status(conn: DeadlineConnection, placed: OrderPlaced) -> OrderStatus:
    stored = orders.get_order(conn, id=placed.id)
    assert stored is not None
    return stored.status


def assert_counts_agree(conn: DeadlineConnection) -> None:
    """Each order's counts are those of its drinks, whatever happened at the same time."""
    wrong = conn.execute(
        "SELECT o.id FROM orders AS o JOIN order_items AS i ON i.order_id = o.id GROUP BY o.id"
        " HAVING o.pending_count <> count(*) FILTER (WHERE i.status = 'pending')"
        " OR o.in_progress_count <> count(*) FILTER (WHERE i.status = 'in_progress')"
        " OR o.complete_count <> count(*) FILTER (WHERE i.status = 'complete')"
        " OR o.failed_count <> count(*) FILTER (WHERE i.status = 'failed')"
        " OR o.canceled_count <> count(*) FILTER (WHERE i.status = 'canceled')"
    ).fetchall()
    assert [] == wrong


@pytest.mark.parametrize("rounds", [15, pytest.param(300, marks=pytest.mark.slow)])
def test_twenty_bartenders_start_one_drink_and_one_gets_it(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor], rounds: int
) -> None:
    margarita = drink(conn)
    with ThreadPoolExecutor(20) as bar:
        for _ in range(rounds):
            store(database, placed := order(guest, margarita))
            together = Barrier(20)

            def start(actor: Actor, placed: OrderPlaced = placed, together: Barrier = together) -> str:
                together.wait(10)
                return outcome(lambda: do(database, Verb.START, actor, placed))

            assert Counter(done=1, refused=19) == Counter(bar.map(start, staff))
    assert_counts_agree(conn)


@pytest.mark.parametrize("rounds", [25, pytest.param(300, marks=pytest.mark.slow)])
def test_two_finish_the_last_two_drinks_and_the_order_completes(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor], rounds: int
) -> None:
    margarita = drink(conn)
    with ThreadPoolExecutor(2) as bar:
        for _ in range(rounds):
            store(database, placed := order(guest, margarita, margarita))
            together = Barrier(2)

            def finish(number: int, placed: OrderPlaced = placed, together: Barrier = together) -> None:
                together.wait(10)
                do(database, Verb.COMPLETE, staff[number], placed, number)

            list(bar.map(finish, (1, 2)))
            assert OrderStatus.COMPLETE is order_status(conn, placed)
    assert_counts_agree(conn)


def test_claims_of_many_bartenders_never_overlap_and_miss_nothing(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    menu = [drink(conn, name) for name in ("Margarita", "Negroni", "Mojito")]
    store(database, *(order(guest, *menu[: 1 + count % 3]) for count in range(60)))

    def work(actor: Actor) -> list[tuple[UUID, int]]:
        mine: list[tuple[UUID, int]] = []
        while claimed := claim(database, actor, at_most=3):
            mine += [(item.order_id, item.number) for item in claimed]
        return mine

    with ThreadPoolExecutor(8) as bar:
        claimed = [key for mine in bar.map(work, staff[:8]) for key in mine]

    assert 120 == len(claimed) == len(set(claimed))
    assert_counts_agree(conn)


def test_claims_come_by_deadline_and_batch_one_recipe(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    margarita, negroni = drink(conn, "Margarita"), drink(conn, "Negroni")
    first = order(guest, margarita, placed_at=NOON)
    second = order(guest, negroni, placed_at=NOON + timedelta(minutes=1))
    third = order(guest, margarita, margarita, margarita, placed_at=NOON + timedelta(minutes=2))
    rush = order(guest, negroni, placed_at=NOON + timedelta(minutes=3), rush=True)
    store(database, third, second, first, rush)

    rounds = [[(item.recipe, item.order_id) for item in claim(database, staff[0], at_most=3)] for _ in range(4)]

    # The rush came last and overtakes; it takes the other Negroni along.
    assert [("Negroni", rush.id), ("Negroni", second.id)] == rounds[0]
    assert [("Margarita", first.id), ("Margarita", third.id), ("Margarita", third.id)] == rounds[1]
    assert ([("Margarita", third.id)], []) == (rounds[2], rounds[3])


def test_a_claim_that_is_over_is_claimed_by_the_next(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    anna, ben, *_ = staff
    assert 1 == len(claim(database, anna))
    assert [] == claim(database, ben, now=NOON + timedelta(seconds=CLAIM_SECONDS - 1))

    [taken] = claim(database, ben, now=NOON + timedelta(seconds=CLAIM_SECONDS))

    assert (placed.id, ben.id) == (taken.order_id, taken.claimed_by)
    assert "refused" == outcome(lambda: do(database, Verb.RELEASE, anna, placed, now=NOON))
    assert_counts_agree(conn)


def test_every_change_is_an_event_with_its_actor_and_a_repeat_is_none(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    anna = staff[0]
    for verb in (Verb.START, Verb.START, Verb.COMPLETE, Verb.COMPLETE, Verb.RECALL, Verb.RELEASE, Verb.RELEASE):
        do(database, verb, anna, placed)
    do(database, Verb.FAIL, anna, placed, reason="out of limes")
    do(database, Verb.RECALL, anna, placed)
    do(database, Verb.CANCEL, Actor(guest, UserRole.CUSTOMER), placed, reason="changed my mind")

    events = conn.execute("SELECT type, actor_id, detail, order_became FROM order_events ORDER BY id").fetchall()

    assert [
        ("placed", None, {}, None),
        ("started", anna.id, {"status": "in_progress"}, "in_progress"),
        ("completed", anna.id, {"status": "complete"}, "complete"),
        ("recalled", anna.id, {"status": "in_progress"}, "in_progress"),
        ("released", anna.id, {"status": "pending"}, "pending"),
        ("failed", anna.id, {"status": "failed", "error": "out of limes"}, "failed"),
        ("recalled", anna.id, {"status": "pending"}, "pending"),
        ("canceled", guest, {"status": "canceled", "error": "changed my mind"}, "canceled"),
    ] == events
    assert OrderStatus.CANCELED is order_status(conn, placed)


def test_the_last_event_of_a_change_says_what_the_order_became(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn), drink(conn), drink(conn)))
    anna = staff[0]
    do(database, Verb.COMPLETE, anna, placed, 2)
    with database.transaction() as transaction:
        act_on_order(transaction, placed.id, Verb.COMPLETE, anna, NOON)

    events = conn.execute("SELECT item_number, type, order_became FROM order_events ORDER BY id").fetchall()
    assert [
        (None, "placed", None),
        (2, "completed", "in_progress"),
        (1, "completed", None),
        (3, "completed", "complete"),
    ] == events


def test_a_verb_on_an_order_does_what_is_legal_of_it(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    margarita = drink(conn)
    store(database, placed := order(guest, margarita, margarita, margarita))
    anna, ben, *_ = staff
    do(database, Verb.CANCEL, Actor(guest, UserRole.CUSTOMER), placed, 2)
    do(database, Verb.START, ben, placed, 3)

    with database.transaction() as one:
        act_on_order(one, placed.id, Verb.START, anna, NOON)
    assert [ItemStatus.IN_PROGRESS, ItemStatus.CANCELED, ItemStatus.IN_PROGRESS] == statuses(conn, placed)
    with database.transaction() as one:
        act_on_order(one, placed.id, Verb.COMPLETE, anna, NOON)
    assert (OrderStatus.COMPLETE, ItemStatus.CANCELED) == (order_status(conn, placed), statuses(conn, placed)[1])
    with pytest.raises(IllegalTransition) as refused, database.transaction() as one:
        act_on_order(one, placed.id, Verb.FAIL, anna, NOON, "why")
    assert [Verb.RECALL, Verb.ACKNOWLEDGE, Verb.SERVE] == refused.value.allowed
    assert_counts_agree(conn)


def test_a_drink_that_is_not_there_is_not_found(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    with pytest.raises(NotFound):
        do(database, Verb.START, staff[0], placed, number=2)


def remaining(conn: DeadlineConnection) -> int | None:
    row = conn.execute("SELECT remaining FROM recipes WHERE name = 'Negroni'").fetchone()
    assert row is not None
    return row[0]  # type: ignore[no-any-return]


def test_stock_goes_back_and_is_taken_again(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    negroni, anna = drink(conn, "Negroni"), staff[0]
    conn.execute("UPDATE recipes SET remaining = 3 WHERE name = 'Negroni'")
    store(database, placed := order(guest, negroni, negroni, negroni))
    assert 0 == remaining(conn)

    do(database, Verb.CANCEL, anna, placed, 1)
    do(database, Verb.FAIL, anna, placed, 2, reason="spilt")
    do(database, Verb.COMPLETE, anna, placed, 3)
    assert 2 == remaining(conn)

    do(database, Verb.RECALL, anna, placed, 2)
    do(database, Verb.RECALL, anna, placed, 3)  # it was made: nothing is taken for it a second time
    assert 1 == remaining(conn)

    do(database, Verb.FAIL, anna, placed, 2, reason="spilt")
    conn.execute("UPDATE recipes SET remaining = 0 WHERE name = 'Negroni'")
    with pytest.raises(SoldOut):
        do(database, Verb.RECALL, anna, placed, 2)
    assert_counts_agree(conn)


def test_stock_of_a_recipe_that_is_no_longer_counted_stays_uncounted(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    conn.execute("UPDATE recipes SET remaining = 3 WHERE name = 'Negroni'")
    store(database, placed := order(guest, drink(conn, "Negroni")))
    conn.execute("UPDATE recipes SET remaining = NULL WHERE name = 'Negroni'")

    do(database, Verb.FAIL, staff[0], placed, reason="spilt")
    do(database, Verb.RECALL, staff[0], placed)

    assert remaining(conn) is None
    assert [(False,)] == conn.execute("SELECT holds_stock FROM order_items").fetchall()


def test_the_place_in_line_counts_what_waits_before_and_the_work_what_is_left(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    conn.execute("UPDATE recipes SET prep_seconds = 60 WHERE name = 'Margarita'")
    margarita = drink(conn)
    placed = [order(guest, margarita, margarita, placed_at=NOON + timedelta(minutes=minute)) for minute in range(3)]
    store(database, *placed)
    claim(database, staff[0], now=NOON)

    lines = open_drinks.list_places_in_line(
        conn, now=NOON + timedelta(seconds=20), order_ids=[one.id for one in placed]
    )
    places = {row.order_id: (row.place, row.work_seconds, row.bartenders) for row in lines}

    # One drink is in hand with 40 s left; five wait.
    assert [(1, 100.0, 1), (2, 220.0, 1), (4, 340.0, 1)] == [places[one.id] for one in placed]


def by_guest(guest: UUID) -> Actor:
    return Actor(guest, UserRole.CUSTOMER)


def unseen(conn: DeadlineConnection, at_most: int = 200) -> list[tuple[UUID, int]]:
    rows = cancellations.list_unseen_cancellations(conn, station=None, at_most=at_most)
    return [(row.order_id, row.number) for row in rows]


def event_types(conn: DeadlineConnection) -> Counter[str]:
    return Counter(name for (name,) in conn.execute("SELECT type::text FROM order_events").fetchall())


def test_twenty_bartenders_acknowledge_one_cancellation_and_one_event_says_so(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    do(database, Verb.CANCEL, by_guest(guest), placed)
    together = Barrier(20)

    def acknowledge(actor: Actor) -> str:
        together.wait(10)
        return outcome(lambda: do(database, Verb.ACKNOWLEDGE, actor, placed))

    with ThreadPoolExecutor(20) as bar:
        assert Counter(done=20) == Counter(bar.map(acknowledge, staff))
    assert (1, []) == (event_types(conn)["acknowledged"], unseen(conn))
    do(database, Verb.CANCEL, by_guest(guest), placed)  # sent again, and still no news
    assert Counter(placed=1, canceled=1, acknowledged=1) == event_types(conn)
    assert_counts_agree(conn)


def test_an_order_is_acknowledged_as_a_whole_whatever_else_is_in_it(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    margarita = drink(conn)
    store(database, placed := order(guest, margarita, margarita, margarita), untouched := order(guest, margarita))
    for number in (1, 2):
        do(database, Verb.CANCEL, by_guest(guest), placed, number)

    for bartender in staff[:2]:  # the second one comes too late, and is not refused
        with database.transaction() as one:
            act_on_order(one, placed.id, Verb.ACKNOWLEDGE, bartender, NOON)

    assert [ItemStatus.CANCELED, ItemStatus.CANCELED, ItemStatus.PENDING] == statuses(conn, placed)
    assert (2, []) == (event_types(conn)["acknowledged"], unseen(conn))
    with pytest.raises(IllegalTransition) as refused, database.transaction() as one:
        act_on_order(one, untouched.id, Verb.ACKNOWLEDGE, staff[0], NOON)
    assert Verb.ACKNOWLEDGE not in refused.value.allowed


def test_the_latest_cancellations_are_shown_the_newest_last(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    store(database, placed := order(guest, *[drink(conn)] * 4))
    for minute, number in enumerate((3, 1, 4, 2)):
        do(database, Verb.CANCEL, by_guest(guest), placed, number, now=NOON + timedelta(minutes=minute))
    assert [3, 1, 4, 2] == [number for _, number in unseen(conn)]
    assert [4, 2] == [number for _, number in unseen(conn, at_most=2)]


@pytest.mark.parametrize("column", ["cancellation_unseen = true", "canceled_at = now()"])
def test_the_schema_lets_only_a_canceled_drink_be_shown_as_one(
    database: Database, conn: DeadlineConnection, guest: UUID, column: str
) -> None:
    store(database, order(guest, drink(conn)))
    with pytest.raises(CheckViolation):
        conn.execute(f"UPDATE order_items SET {column}".encode())


def ready(conn: DeadlineConnection, at_most: int = 200, after: datetime = LONG_AGO) -> list[tuple[UUID, int]]:
    rows = ready_drinks.list_ready_drinks(conn, completed_after=after, station=None, at_most=at_most)
    return [(row.order_id, row.number) for row in rows]


def test_a_served_drink_is_no_longer_ready_and_a_wrong_tap_brings_it_back_there(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn), drink(conn, "Negroni")))
    anna, ben, *_ = staff
    do(database, Verb.COMPLETE, anna, placed, 1)
    assert [(placed.id, 1)] == ready(conn)

    do(database, Verb.SERVE, ben, placed, 1, now=NOON + timedelta(minutes=1))
    assert [] == ready(conn)
    do(database, Verb.UNSERVE, ben, placed, 1, now=NOON + timedelta(minutes=2))

    [shown] = ready_drinks.list_ready_drinks(conn, completed_after=LONG_AGO, station=None, at_most=200)
    assert (NOON, None, anna.id, 2, 1) == (
        shown.completed_at,
        shown.served_at,
        shown.claimed_by,
        shown.order_drinks,
        shown.order_drinks_left,
    )
    assert OrderStatus.IN_PROGRESS is order_status(conn, placed)


def test_serving_leaves_the_order_as_it_is_but_for_the_time_of_its_last_change(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    do(database, Verb.COMPLETE, staff[0], placed)
    made = orders.get_order(conn, id=placed.id)
    assert made is not None

    later = NOON + timedelta(minutes=3)
    do(database, Verb.SERVE, staff[0], placed, now=later)

    assert replace(made, updated_at=later) == orders.get_order(conn, id=placed.id)
    assert [ItemStatus.COMPLETE] == statuses(conn, placed)


def test_a_served_drink_that_comes_back_is_made_and_served_anew(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    anna = staff[0]
    for verb in (Verb.COMPLETE, Verb.SERVE, Verb.RECALL):
        do(database, verb, anna, placed)
    assert [("in_progress", None)] == conn.execute("SELECT status::text, served_at FROM order_items").fetchall()

    do(database, Verb.COMPLETE, anna, placed)
    assert [(placed.id, 1)] == ready(conn)
    do(database, Verb.SERVE, anna, placed)

    assert [] == ready(conn)
    assert Counter(placed=1, completed=2, served=2, recalled=1) == event_types(conn)


def test_twenty_bartenders_serve_one_drink_and_one_event_says_so(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, drink(conn)))
    do(database, Verb.COMPLETE, staff[0], placed)
    together = Barrier(20)

    def serve(actor: Actor) -> str:
        together.wait(10)
        return outcome(lambda: do(database, Verb.SERVE, actor, placed))

    with ThreadPoolExecutor(20) as bar:
        assert Counter(done=20) == Counter(bar.map(serve, staff))
    do(database, Verb.COMPLETE, staff[0], placed)  # sent again by who made it, and still no news
    assert Counter(placed=1, completed=1, served=1) == event_types(conn)
    assert_counts_agree(conn)


def test_an_order_is_served_as_far_as_it_is_made(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    margarita = drink(conn)
    store(database, placed := order(guest, margarita, margarita, margarita), untouched := order(guest, margarita))
    for number in (1, 2):
        do(database, Verb.COMPLETE, staff[0], placed, number)

    for bartender in staff[:2]:  # the second one comes too late, and is not refused
        with database.transaction() as one:
            act_on_order(one, placed.id, Verb.SERVE, bartender, NOON)

    served = conn.execute("SELECT number FROM order_items WHERE served_at = %s ORDER BY number", [NOON]).fetchall()
    assert ([(1,), (2,)], 2) == (served, event_types(conn)["served"])
    with pytest.raises(IllegalTransition) as refused, database.transaction() as one:
        act_on_order(one, untouched.id, Verb.SERVE, staff[0], NOON)
    assert Verb.SERVE not in refused.value.allowed


def test_the_latest_ready_drinks_are_shown_the_newest_last(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    store(database, placed := order(guest, *[drink(conn)] * 4))
    for minute, number in enumerate((3, 1, 4, 2)):
        do(database, Verb.COMPLETE, staff[0], placed, number, now=NOON + timedelta(minutes=minute))
    assert [3, 1, 4, 2] == [number for _, number in ready(conn)]
    assert [1, 4, 2] == [number for _, number in ready(conn, after=NOON)]
    assert [4, 2] == [number for _, number in ready(conn, at_most=2)]


def test_the_schema_lets_only_a_complete_drink_be_served(
    database: Database, conn: DeadlineConnection, guest: UUID
) -> None:
    store(database, order(guest, drink(conn)))
    with pytest.raises(CheckViolation, match="order_items_only_complete_is_served"):
        conn.execute("UPDATE order_items SET served_at = now()")


def fail(database: Database, actor: Actor, recipe_id: UUID | None) -> FailedDrinks:
    assert recipe_id is not None
    with database.transaction() as conn:
        return fail_waiting(conn, recipe_id, actor, NOON, "out of gin")


def test_a_sold_out_recipe_fails_what_waits_and_leaves_what_is_in_hand(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    margarita, negroni = drink(conn, "Margarita"), drink(conn, "Negroni")
    conn.execute("UPDATE recipes SET remaining = 4 WHERE name = 'Negroni'")
    store(database, first := order(guest, negroni, margarita), second := order(guest, negroni, negroni))
    do(database, Verb.START, staff[0], second, 2)

    assert FailedDrinks(failed=2, left=0) == fail(database, staff[1], negroni.recipe_id)

    assert [ItemStatus.FAILED, ItemStatus.PENDING] == statuses(conn, first)
    assert [ItemStatus.FAILED, ItemStatus.IN_PROGRESS] == statuses(conn, second)
    assert 3 == remaining(conn)  # one was never ordered, two came back
    events = conn.execute(
        "SELECT order_id, item_number, actor_id, detail FROM order_events WHERE type = 'failed' ORDER BY id"
    ).fetchall()
    assert [(one.id, 1, staff[1].id, {"status": "failed", "error": "out of gin"}) for one in (first, second)] == events
    assert_counts_agree(conn)
    assert FailedDrinks(failed=0, left=0) == fail(database, staff[1], negroni.recipe_id)


def test_no_more_fail_at_once_than_one_transaction_bears_and_the_rest_is_told(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    negroni = drink(conn, "Negroni")
    store(database, *(order(guest, negroni) for _ in range(MAX_FAILED_AT_ONCE + 3)))
    rounds = [fail(database, staff[0], negroni.recipe_id) for _ in range(2)]
    assert [(MAX_FAILED_AT_ONCE, 3), (3, 0)] == rounds
    assert MAX_FAILED_AT_ONCE + 3 == event_types(conn)["failed"]
    assert_counts_agree(conn)


def test_a_drink_that_somebody_is_just_claiming_is_passed_over_and_counted_as_left(
    database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    negroni = drink(conn, "Negroni")
    store(database, order(guest, negroni), order(guest, negroni))
    with database.transaction() as one:
        assert order_items.lock_next_claimable(one, now=NOON, station=None)
        assert FailedDrinks(failed=1, left=1) == fail(database, staff[0], negroni.recipe_id)
    assert FailedDrinks(failed=1, left=0) == fail(database, staff[0], negroni.recipe_id)
    assert_counts_agree(conn)


def at_once(*acts: Callable[[], object]) -> None:
    """Do all of it on threads that start together."""
    together = Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        together.wait(10)
        act()

    with ThreadPoolExecutor(len(acts)) as bar:
        list(bar.map(run, acts))


def test_drinks_that_are_failed_claimed_and_canceled_at_the_same_time_end_in_one_way_each(
    monkeypatch: pytest.MonkeyPatch, database: Database, conn: DeadlineConnection, guest: UUID, staff: list[Actor]
) -> None:
    monkeypatch.setattr(making, "MAX_FAILED_AT_ONCE", 7)  # so that nobody has it all at once
    negroni = drink(conn, "Negroni")
    conn.execute("UPDATE recipes SET remaining = 300 WHERE name = 'Negroni'")
    store(database, *(placed := [order(guest, negroni, negroni, negroni) for _ in range(100)]))

    def sell_out(actor: Actor) -> None:
        while fail(database, actor, negroni.recipe_id).left:
            pass

    def claim_all(actor: Actor) -> None:
        while claim(database, actor, at_most=3):
            pass

    def cancel(some: list[OrderPlaced]) -> None:
        for one in some:
            outcome(partial(do, database, Verb.CANCEL, by_guest(guest), one))

    acts = [(sell_out, staff[0]), (sell_out, staff[1]), (claim_all, staff[2]), (claim_all, staff[3])]
    at_once(*starmap(partial, acts), partial(cancel, placed[::-2]), partial(cancel, placed[-2::-2]))

    ended = Counter(status for one in placed for status in statuses(conn, one))
    told = event_types(conn)
    assert ItemStatus.PENDING not in ended
    assert (ended[ItemStatus.FAILED], ended[ItemStatus.CANCELED]) == (told["failed"], told["canceled"])
    assert ended[ItemStatus.FAILED] + ended[ItemStatus.CANCELED] == remaining(conn)
    assert_counts_agree(conn)


def test_a_recipe_that_is_not_there_is_not_found(database: Database, staff: list[Actor]) -> None:
    with pytest.raises(NotFound):
        fail(database, staff[0], uuid4())
