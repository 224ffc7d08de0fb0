"""The nights of the past: the shares add up, and guests come when the bar is open."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from seed.evenings import NIGHTS, OPEN_MINUTES, arrivals, crowding, nights

TODAY = date(2026, 11, 20)
NIGHT = date(2026, 6, 6)
OPENING = datetime(2026, 6, 6, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("total", [0, 1, 364, 365, 366, 100_003])
def test_the_shares_of_the_nights_add_up(total: int) -> None:
    shares = list(nights(total, TODAY))
    assert (NIGHTS, total) == (len(shares), sum(share for _, share in shares))
    assert all(share >= 0 for _, share in shares)


def test_the_nights_are_the_last_year_in_order_and_all_over() -> None:
    days = [day for day, _ in nights(1, TODAY)]
    assert sorted(set(days)) == days
    assert TODAY - timedelta(days=2) == days[-1]


def test_saturdays_are_busier_than_mondays() -> None:
    by_weekday: Counter[int] = Counter()
    for day, share in nights(100_000, TODAY):
        by_weekday[day.weekday()] += share
    assert by_weekday[5] > 3 * by_weekday[0]


def test_guests_come_in_order_while_the_bar_is_open() -> None:
    times = arrivals(NIGHT, 2000, Random(1))
    assert sorted(times) == times
    assert OPENING <= times[0] < times[-1] < OPENING + timedelta(minutes=OPEN_MINUTES)


def test_they_come_in_waves() -> None:
    hours = Counter(placed_at.hour for placed_at in arrivals(NIGHT, 5000, Random(1)))
    assert hours[19] > hours[20] < hours[22] > hours[1]


def test_it_is_crowded_at_the_height_of_a_wave_and_empty_at_opening() -> None:
    after_midnight = OPENING + timedelta(hours=8)
    assert 1 == crowding(OPENING + timedelta(minutes=330))
    assert crowding(OPENING) < crowding(after_midnight) < 1
