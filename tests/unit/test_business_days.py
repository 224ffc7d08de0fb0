"""Business days: where they begin, also in the nights in which the clock is changed."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shakerqueue.business_days import DAY, BusinessDays

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = BusinessDays(BERLIN, time(5))
SPRING = date(2026, 3, 28)  # the night in which 02:00 becomes 03:00
AUTUMN = date(2026, 10, 24)  # the night in which 03:00 becomes 02:00


def berlin(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), BERLIN).astimezone(UTC)


@pytest.mark.parametrize("night", [date(2026, 11, 6), SPRING, AUTUMN])
def test_the_night_belongs_to_the_evening_before_it(night: date) -> None:
    morning = night + DAY
    assert night - DAY == DAYS.day_of(berlin(night, 4, 59))
    assert [night] * 4 == [
        DAYS.day_of(moment)
        for moment in (berlin(night, 5), berlin(night, 23, 59), berlin(morning, 1), berlin(morning, 4, 59))
    ]
    assert [morning] * 2 == [DAYS.day_of(moment) for moment in (berlin(morning, 5), berlin(morning, 5, 1))]


@pytest.mark.parametrize(("night", "hours"), [(date(2026, 11, 6), 24), (SPRING, 23), (AUTUMN, 25)])
def test_a_night_in_which_the_clock_is_changed_is_shorter_or_longer(night: date, hours: int) -> None:
    assert timedelta(hours=hours) == DAYS.begin_of(night + DAY) - DAYS.begin_of(night)
    assert hours == len(DAYS.hours(night, night))


def test_the_hours_are_those_that_the_clock_shows() -> None:
    def shown(night: date) -> list[int]:
        return [hour.hour for hour in DAYS.hours(night, night)]

    assert [*range(5, 24), 0, 1, 3, 4] == shown(SPRING)
    assert [*range(5, 24), 0, 1, 2, 2, 3, 4] == shown(AUTUMN)


def test_an_hour_that_comes_twice_is_told_apart_by_its_beginning() -> None:
    twice = [hour.starts_at for hour in DAYS.hours(AUTUMN, AUTUMN) if hour.hour == 2]
    assert [datetime(2026, 10, 25, 0, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)] == twice


def test_several_days_follow_each_other_without_a_gap() -> None:
    hours = DAYS.hours(SPRING - DAY, SPRING + DAY)
    assert 24 + 23 + 24 == len(hours)
    assert {timedelta(hours=1)} == {later.starts_at - earlier.starts_at for earlier, later in pairwise(hours)}


def test_a_day_that_begins_within_an_hour_has_two_halves_of_it() -> None:
    hours = BusinessDays(BERLIN, time(5, 30)).hours(date(2026, 11, 6), date(2026, 11, 6))
    assert [(5, 30), (6, 0)] == [(hour.hour, hour.starts_at.minute) for hour in hours[:2]]
    assert ((5, 0), 25) == ((hours[-1].hour, hours[-1].starts_at.minute), len(hours))


def test_hours_begin_with_the_clock_where_it_is_half_an_hour_off() -> None:
    hours = BusinessDays(ZoneInfo("Asia/Kolkata"), time(5)).hours(date(2026, 11, 6), date(2026, 11, 6))
    assert {(30, 24)} == {(hour.starts_at.minute, len(hours)) for hour in hours}


@pytest.mark.parametrize(
    ("day", "begins_at"),
    [
        (SPRING + DAY, datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # skipped: 03:30 in summer time
        (AUTUMN + DAY, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # comes twice: the first time
    ],
)
def test_a_day_that_would_begin_in_the_changed_hour_begins_once(day: date, begins_at: datetime) -> None:
    days = BusinessDays(BERLIN, time(2, 30))
    assert begins_at == days.begin_of(day)
    moments = [begins_at - timedelta(microseconds=1), begins_at, begins_at + timedelta(hours=1)]
    assert [day - DAY, day, day] == [days.day_of(moment) for moment in moments]


# Half an hour of summer time; a change at midnight; a date that was left out; offsets on both sides of UTC.
ZONES = ["Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "America/New_York", "Asia/Kathmandu", "UTC"]


@given(
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    ends_at=st.times().map(lambda time: time.replace(second=0, microsecond=0)),
    moment=st.datetimes(datetime(2001, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_moment_belongs_to_one_day_and_one_hour(zone: ZoneInfo, ends_at: time, moment: datetime) -> None:
    days = BusinessDays(zone, ends_at)
    day = days.day_of(moment)
    assert days.begin_of(day) <= moment < days.begin_of(day + DAY)
    begun = [hour for hour in days.hours(day, day) if hour.starts_at <= moment]
    assert moment - begun[-1].starts_at < timedelta(hours=1)
    assert moment.astimezone(zone).hour == begun[-1].hour
