"""Whether the bar takes orders: open, last call, closed."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, public
from shakerqueue.api.menu_schemas import BarChangeSchema, BarSchema
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.bar import BarNow, bar_at
from shakerqueue.deadlines import Deadline
from shakerqueue.queries import bar as queries
from shakerqueue.queries.models import UserRole
from shakerqueue.roles import STAFF

LONGEST_PLAN = timedelta(days=366)
AFRESH = {"reason": None, "closes_at": None, "reopens_at": None}

blueprint = Blueprint("bar", __name__, url_prefix="/bar", description="Whether the bar takes orders")


@blueprint.route("")
@public
@blueprint.response(200, BarSchema)
def get_bar() -> BarNow:
    """The bar now, as this process knows it: what another one was told holds here within a second."""
    return services().bar.now()


@blueprint.route("", methods=["PATCH"])
@allow(STAFF)
@blueprint.arguments(BarChangeSchema)
@blueprint.response(200, BarSchema)
def change_bar(body: dict[str, Any]) -> BarNow:
    """Open the bar, close it, or call for last orders. Those who change it at once follow each other."""
    now = datetime.now(UTC)
    with services().database.transaction(request_deadline()) as conn:
        said = queries.lock_bar(conn)
        assert said is not None, "the migration makes it"  # noqa: S101
        plan = _plan(bar_at(said, now), body)
        _check(plan, now)
        changed = queries.update_bar(conn, **plan)
    assert changed is not None, "the migration makes it"  # noqa: S101
    services().bar.remember(changed)
    return bar_at(changed, now)


def refuse_while_closed(role: UserRole, deadline: Deadline) -> None:
    """Guests and their programs order when the bar accepts, the staff always.

    Raises:
        Problem: 409 bar_closed, with the reason and the time of reopening as far as they are known.
    """
    if role in STAFF:
        return
    bar = services().bar.now(deadline)
    if not bar.accepting:
        reopens_at = bar.reopens_at and bar.reopens_at.isoformat()
        detail = "The bar takes no orders right now."
        raise Problem(409, detail, code="bar_closed", reason=bar.reason, reopens_at=reopens_at)


def _plan(bar: BarNow, body: dict[str, Any]) -> dict[str, Any]:
    """What is to be said from now on. Saying whether the bar accepts starts afresh."""
    if "accepting" in body:
        return {**AFRESH, **body}
    kept = {name: getattr(bar, name) for name in ("accepting", *AFRESH)}
    return {**kept, **body}


def _check(plan: dict[str, Any], now: datetime) -> None:
    """Raises Problem unless the plan is one that the clock can carry out."""
    errors = [FieldError(name, "invalid", detail) for name, detail in _contradictions(plan, now)]
    if errors:
        raise Problem(422, errors[0].detail, errors=errors)


def _contradictions(plan: dict[str, Any], now: datetime) -> list[tuple[str, str]]:
    closes_at, reopens_at = plan["closes_at"], plan["reopens_at"]
    rules = [
        ("closes_at", closes_at and not plan["accepting"], "The bar is closed already."),
        ("reopens_at", reopens_at and plan["accepting"] and not closes_at, "A bar that never closes cannot reopen."),
        ("closes_at", closes_at and not _is_ahead(closes_at, now), "A time within the year to come."),
        ("reopens_at", reopens_at and not _is_ahead(reopens_at, now), "A time within the year to come."),
        ("reopens_at", closes_at and reopens_at and reopens_at <= closes_at, "After it closes."),
    ]
    return [(field, detail) for field, broken, detail in rules if broken]


def _is_ahead(moment: datetime, now: datetime) -> bool:
    return now < moment <= now + LONGEST_PLAN
