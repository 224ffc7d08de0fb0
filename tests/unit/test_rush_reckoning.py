"""The reckoning of `make rush`: what was answered is found once, or named."""

from typing import Any

import pytest

from dev.rush.clock import EveningClock
from dev.rush.reckoning import Reckoning, compare
from dev.rush.summary import is_good, summary
from dev.rush.tally import AnsweredOrder, Tally

SPEED = 60


@pytest.fixture
def tally() -> Tally:
    """Of a night in which two orders were answered."""
    tally = Tally(EveningClock(SPEED), mark="rush-1")
    for id, mark in (("a", "rush-1-0"), ("b", "rush-1-1")):
        tally.answered(AnsweredOrder(id=id, mark=mark, path="till", table=7, recipes=("Negroni",)))
    return tally


def stored(id: str, mark: str) -> dict[str, Any]:
    """An order whose drink was begun after two seconds and made after four."""
    item = {
        "status": "complete",
        "started_at": "2026-11-20T22:00:02+00:00",
        "completed_at": "2026-11-20T22:00:04+00:00",
    }
    return {"id": id, "external_id": mark, "placed_at": "2026-11-20T22:00:00+00:00", "items": [item, item]}


def test_all_are_there(tally: Tally) -> None:
    found = compare(tally, [stored("a", "rush-1-0"), stored("b", "rush-1-1")])
    assert found == Reckoning(
        answered=2,
        missing=(),
        doubled=(),
        unanswered=(),
        drinks={"complete": 4},
        wait_seconds=(120, 120),
        total_seconds=(240, 240),
    )
    assert is_good(tally, found)
    assert "2 of 2" in summary(tally, found, left_open=0)


def test_an_order_that_is_not_there_is_missing(tally: Tally) -> None:
    found = compare(tally, [stored("a", "rush-1-0")])
    assert ("rush-1-1",) == found.missing
    assert not is_good(tally, found)
    assert "1 of 2; 1 missing: rush-1-1" in summary(tally, found, left_open=0)


def test_an_order_that_is_there_under_another_id_as_well_is_doubled(tally: Tally) -> None:
    found = compare(tally, [stored("a", "rush-1-0"), stored("b", "rush-1-1"), stored("c", "rush-1-1")])
    assert ("rush-1-1",) == found.doubled
    assert not is_good(tally, found)


def test_an_order_that_nobody_was_told_of_is_named_and_no_fault(tally: Tally) -> None:
    found = compare(tally, [stored("a", "rush-1-0"), stored("b", "rush-1-1"), stored("c", "rush-1-2")])
    assert ("rush-1-2",) == found.unanswered
    assert is_good(tally, found)


def test_an_unexpected_answer_is_no_good_night(tally: Tally) -> None:
    tally.unexpected["GET /menu: 500"] += 1
    found = compare(tally, [stored("a", "rush-1-0"), stored("b", "rush-1-1")])
    assert not is_good(tally, found)
    assert "1 × GET /menu: 500" in summary(tally, found, left_open=0)
