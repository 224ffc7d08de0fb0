"""When guests come: the nights of a year, each with its share of the orders, and the waves of a night."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import NamedTuple

NIGHTS = 365
OPENS_AT = time(17, tzinfo=UTC)
OPEN_MINUTES = 9 * 60
DAYS_TO_THE_LAST_NIGHT = 2  # so that the last night is over, whatever the time is now
WEEKDAY_WEIGHTS = (4, 5, 6, 9, 16, 18, 6)  # from Monday


class Wave(NamedTuple):
    """A crowd: its share of the night, and when it comes, in minutes after opening."""

    share: float
    peak_minute: float
    spread_minutes: float


WAVES = (
    Wave(0.35, peak_minute=130, spread_minutes=45),  # before dinner
    Wave(0.50, peak_minute=330, spread_minutes=60),  # after it
    Wave(0.15, peak_minute=270, spread_minutes=160),  # at any time
)


def nights(total: int, today: date) -> Iterator[tuple[date, int]]:
    """The nights of the last year, oldest first, each with how many of the `total` orders it has."""
    first = today - timedelta(days=NIGHTS + DAYS_TO_THE_LAST_NIGHT - 1)
    days = [first + timedelta(days=number) for number in range(NIGHTS)]
    weights = [WEEKDAY_WEIGHTS[day.weekday()] for day in days]
    passed = done = 0
    for day, weight in zip(days, weights, strict=True):
        passed += weight
        until_now = total * passed // sum(weights)  # shares of the whole: rounded one by one they would not add up
        yield day, until_now - done
        done = until_now


def arrivals(night: date, orders: int, random: Random) -> list[datetime]:
    """When the orders of a night are placed, in order."""
    opening = datetime.combine(night, OPENS_AT)
    return sorted(opening + timedelta(minutes=_minute(random)) for _ in range(orders))


def crowding(placed_at: datetime) -> float:
    """How busy the bar is then: 0 when nobody comes, 1 at the height of the night."""
    minute = (placed_at - datetime.combine(placed_at.date(), OPENS_AT)).total_seconds() / 60 % (24 * 60)
    distance = min(abs(minute - wave.peak_minute) / wave.spread_minutes for wave in WAVES[:2])
    return max(0.0, 1 - distance / 3)


def _minute(random: Random) -> float:
    [wave] = random.choices(WAVES, [wave.share for wave in WAVES])
    minute = random.gauss(wave.peak_minute, wave.spread_minutes)
    return minute if 0 <= minute < OPEN_MINUTES else random.uniform(0, OPEN_MINUTES)
