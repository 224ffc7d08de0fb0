"""Budgets of attempts over the real database: exact however many try at once, and forgotten in time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shakerqueue import attempts
from shakerqueue.attempts import Budget
from shakerqueue.database import Database, running_database
from shakerqueue.errors import TooManyAttempts
from tests.support.bar import Bar

DOOR = Budget("door", max_failures=3, window_seconds=60)
HOUSE = Budget("house", max_failures=5, window_seconds=60)


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=8) as database:
        yield database


def reserve(database: Database, *budgets: Budget) -> int:
    with database.transaction() as conn:
        return attempts.reserve(conn, *budgets)


def is_looked_at(database: Database, *budgets: Budget) -> bool:
    try:
        reserve(database, *budgets)
    except TooManyAttempts:
        return False
    return True


def failures(bar: Bar) -> dict[object, object]:
    return {row[0]: row[1] for row in bar.query("SELECT subject, failures FROM failed_attempts")}


def end_windows(bar: Bar) -> None:
    bar.change("UPDATE failed_attempts SET window_ends_at = now()")


def test_as_many_attempts_as_may_fail_are_looked_at_and_then_none(database: Database) -> None:
    assert [2, 1, 0] == [reserve(database, DOOR) for _ in range(3)]
    with pytest.raises(TooManyAttempts) as refusal:
        reserve(database, DOOR)
    assert 55 < refusal.value.seconds_left <= 60
    assert is_looked_at(database, HOUSE)


def test_of_twenty_at_once_exactly_as_many_are_looked_at_as_may_fail(bar: Bar, database: Database) -> None:
    with ThreadPoolExecutor(20) as guessers:
        looked_at = list(guessers.map(lambda _: is_looked_at(database, HOUSE, DOOR), range(20)))
    assert 3 == sum(looked_at)
    assert {"house": 3, "door": 3} == failures(bar)  # what was refused by one budget is counted in none


def test_the_scarcest_of_several_budgets_says_how_many_are_left(database: Database) -> None:
    assert [2, 1] == [reserve(database, HOUSE, DOOR) for _ in range(2)]
    reserve(database, HOUSE)
    reserve(database, HOUSE)
    assert 0 == reserve(database, HOUSE, DOOR)


def test_after_the_window_it_begins_anew(bar: Bar, database: Database) -> None:
    while is_looked_at(database, DOOR):
        pass
    end_windows(bar)
    assert [2, 1, 0] == [reserve(database, DOOR) for _ in range(3)]
    assert not is_looked_at(database, DOOR)


def test_a_window_is_not_prolonged_by_what_follows(bar: Bar, database: Database) -> None:
    reserve(database, DOOR)
    bar.change("UPDATE failed_attempts SET window_ends_at = now() + interval '5 seconds'")
    while is_looked_at(database, DOOR):
        pass
    with pytest.raises(TooManyAttempts) as refusal:
        reserve(database, DOOR)
    assert 1 <= refusal.value.seconds_left <= 5


def test_a_success_gives_one_back_or_clears_them_all(bar: Bar, database: Database) -> None:
    for _ in range(2):
        reserve(database, HOUSE, DOOR)
    with database.transaction() as conn:
        attempts.give_back(conn, HOUSE)
        attempts.clear(conn, DOOR)
    assert {"house": 1} == failures(bar)


def test_what_has_ended_is_removed_by_whoever_comes_next(bar: Bar, database: Database) -> None:
    for number in range(7):
        reserve(database, Budget(f"guest {number}", max_failures=3, window_seconds=60))
    end_windows(bar)
    reserve(database, DOOR)
    assert {"door": 1} == failures(bar)


def test_whoever_comes_next_waits_for_nobody_to_remove_it(bar: Bar, database: Database) -> None:
    reserve(database, HOUSE)
    end_windows(bar)
    with database.transaction() as conn:
        conn.execute("SELECT FROM failed_attempts FOR UPDATE")
        assert is_looked_at(database, DOOR)
    assert {"house": 1, "door": 1} == failures(bar)
