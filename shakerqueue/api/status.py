"""What is going on in the bar at this moment, as far as it can be known at this moment."""

from datetime import UTC, datetime
from typing import Any

import structlog

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow
from shakerqueue.api.health import OK, PROBE_SECONDS
from shakerqueue.api.report_schemas import StatusSchema
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.business_days import DAY
from shakerqueue.config import NO_BROKER
from shakerqueue.errors import Unavailable
from shakerqueue.messaging.outbox import NotConfirmed
from shakerqueue.queries import status
from shakerqueue.roles import STAFF

UNKNOWN = dict.fromkeys(StatusSchema().fields)

log = structlog.get_logger(__name__)
blueprint = Blueprint("status", __name__, url_prefix="/admin/status", description="What is going on")


@blueprint.route("")
@allow(STAFF)
@blueprint.response(200, StatusSchema)
def get_status() -> dict[str, Any]:
    """Orders of the day, open drinks, the queues. A part that is away is named, and what it knows is null."""
    return {**UNKNOWN, **_bar_figures(datetime.now(UTC)), **_queue_figures()}


def _bar_figures(now: datetime) -> dict[str, Any]:
    days = services().settings.business_days
    today = days.day_of(now)
    try:
        with services().database.connection(request_deadline().sooner(PROBE_SECONDS)) as conn:
            found = status.get_status(
                conn, day_begins_at=days.begin_of(today), day_ends_at=days.begin_of(today + DAY), now=now
            )
    except Unavailable as error:
        log.warning("status_without_database", reason=error.reason)  # not in the answer: it names hosts
        return {"database": "unavailable"}
    assert found is not None, "counting gives a row"  # noqa: S101
    return {
        "database": OK,
        "orders_today": found.orders_today,
        "drinks_open": found.drinks_open,
        "drinks_late": found.drinks_late,
        "oldest_age_seconds": found.oldest_placed_at and (now - found.oldest_placed_at).total_seconds(),
    }


def _queue_figures() -> dict[str, Any]:
    publisher = services().publisher
    if publisher is None:
        return {"broker": NO_BROKER}
    try:
        state = publisher.queue_state(request_deadline().sooner(PROBE_SECONDS))
    except NotConfirmed as error:
        return {"broker": error.obstacle}
    return {"broker": OK, "queue": state._asdict()}
