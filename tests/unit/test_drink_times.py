"""What is observed when a bartender acts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client import Histogram

from shakerqueue import drink_times
from shakerqueue.queries.models import ItemStatus, OrderItem
from shakerqueue.telemetry.metrics import DRINK_MAKE, DRINK_TOTAL, DRINK_WAIT

PLACED_AT = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
STARTED_AT, COMPLETED_AT = PLACED_AT + timedelta(seconds=90), PLACED_AT + timedelta(seconds=150)
COLUMNS = dict.fromkeys(OrderItem.__dataclass_fields__)


def item(status: ItemStatus, **columns: Any) -> OrderItem:
    """A drink of which only this matters."""
    return OrderItem(**{**COLUMNS, "status": status, **columns})


PENDING = item(ItemStatus.PENDING)
STARTED = item(ItemStatus.IN_PROGRESS, started_at=STARTED_AT)
COMPLETE = item(ItemStatus.COMPLETE, started_at=STARTED_AT, completed_at=COMPLETED_AT)
ONE_TAP = item(ItemStatus.COMPLETE, started_at=COMPLETED_AT, completed_at=COMPLETED_AT)
FAILED = item(ItemStatus.FAILED, started_at=STARTED_AT)


def sums() -> list[float]:
    return [total(histogram) for histogram in (DRINK_WAIT, DRINK_MAKE, DRINK_TOTAL)]


def total(histogram: Histogram) -> float:
    [family] = histogram.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_sum"))


@pytest.mark.parametrize(
    ("before", "after", "observed"),
    [
        (PENDING, STARTED, [90, 0, 0]),
        (STARTED, COMPLETE, [0, 60, 150]),
        (PENDING, ONE_TAP, [0, 0, 150]),
        (STARTED, STARTED, [0, 0, 0]),  # a claim that is renewed
        (COMPLETE, COMPLETE, [0, 0, 0]),  # served
        (COMPLETE, STARTED, [0, 0, 0]),  # recalled
        (STARTED, FAILED, [0, 0, 0]),
    ],
)
def test_a_change_is_observed_by_what_it_tells(before: OrderItem, after: OrderItem, observed: list[float]) -> None:
    earlier = sums()
    drink_times.observe(before, after, PLACED_AT)
    assert observed == pytest.approx([now - then for now, then in zip(sums(), earlier, strict=True)])
