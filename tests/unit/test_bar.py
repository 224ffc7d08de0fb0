"""What was said of the bar, as the clock moves on."""

from datetime import UTC, datetime, timedelta

import pytest

from shakerqueue.bar import BarNow, BarState, bar_at
from shakerqueue.queries.models import Bar

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ONE, TWO = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
MOMENT = timedelta(microseconds=1)


def said(*, accepting: bool = True, closes_at: datetime | None = None, reopens_at: datetime | None = None) -> Bar:
    return Bar(True, accepting, "quiz night", closes_at, reopens_at, NOON)


OPEN_AGAIN = BarNow(state=BarState.OPEN)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1000)])
def test_an_open_bar_stays_open(later: timedelta) -> None:
    assert BarNow(state=BarState.OPEN, reason="quiz night") == bar_at(said(), NOON + later)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=1000)])
def test_a_closed_bar_stays_closed_until_somebody_opens_it(later: timedelta) -> None:
    assert BarNow(state=BarState.CLOSED, reason="quiz night") == bar_at(said(accepting=False), NOON + later)


def test_a_bar_that_has_paused_reopens_by_itself() -> None:
    pause = said(accepting=False, reopens_at=ONE)
    closed = BarNow(state=BarState.CLOSED, reason="quiz night", reopens_at=ONE)
    assert [closed, closed, OPEN_AGAIN] == [bar_at(pause, at) for at in (NOON, ONE - MOMENT, ONE)]


def test_after_last_call_the_bar_closes_and_later_reopens() -> None:
    last_call = said(closes_at=ONE, reopens_at=TWO)
    called = BarNow(state=BarState.LAST_CALL, reason="quiz night", closes_at=ONE, reopens_at=TWO)
    closed = BarNow(state=BarState.CLOSED, reason="quiz night", reopens_at=TWO)
    assert [called, closed, OPEN_AGAIN] == [bar_at(last_call, at) for at in (ONE - MOMENT, ONE, TWO)]


def test_a_bar_accepts_unless_it_is_closed() -> None:
    assert {BarState.OPEN: True, BarState.LAST_CALL: True, BarState.CLOSED: False} == {
        state: BarNow(state=state).accepting for state in BarState
    }
