"""How long guests wait for their drinks, observed when a bartender acts. The reports count in the same way."""

from datetime import datetime

from shakerqueue.queries.models import ItemStatus, OrderItem
from shakerqueue.telemetry.metrics import DRINK_MAKE, DRINK_TOTAL, DRINK_WAIT


def observe(before: OrderItem, after: OrderItem, placed_at: datetime) -> None:
    """A drink was changed. Completed in one tap, it was started at nobody knows what time."""
    if before.status is ItemStatus.PENDING and after.status is ItemStatus.IN_PROGRESS and after.started_at:
        DRINK_WAIT.observe((after.started_at - placed_at).total_seconds())
    if before.status is after.status or after.completed_at is None:
        return
    DRINK_TOTAL.observe((after.completed_at - placed_at).total_seconds())
    if before.status is ItemStatus.IN_PROGRESS and after.started_at:
        DRINK_MAKE.observe((after.completed_at - after.started_at).total_seconds())
