"""The queue: what is to be made, and claiming it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response
from psycopg import Connection

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.request_context import note_orders
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.schemas import (
    CanceledDrinkSchema,
    ClaimAnswerSchema,
    ClaimSchema,
    FailedDrinksSchema,
    FailWaitingSchema,
    QueueQuerySchema,
    QueueSchema,
    ReadyDrinkSchema,
)
from shakerqueue.api.services import services
from shakerqueue.making import FailedDrinks, claim_next, fail_waiting
from shakerqueue.order_lifecycle import READY_SECONDS, Actor
from shakerqueue.queries import cancellations, open_drinks, ready_drinks, recipes
from shakerqueue.queries.cancellations import ListUnseenCancellationsRow
from shakerqueue.queries.models import Drink, OpenDrink
from shakerqueue.roles import STAFF
from shakerqueue.scopes import Scope

MAX_LISTED_CANCELLATIONS = 200
MAX_LISTED_READY = 200

_DRINK_FIELDS = CanceledDrinkSchema().fields.keys() | ReadyDrinkSchema().fields.keys()  # a drink has some of them

blueprint = Blueprint("queue", __name__, url_prefix="/queue", description="What is to be made")


@blueprint.route("")
@allow(STAFF, Scope.QUEUE_READ)
@blueprint.arguments(QueueQuerySchema, location="query")
@blueprint.response(200, QueueSchema)
def get_queue(query: dict[str, Any]) -> dict[str, Any]:
    """What is to be made, the earliest deadline first, what was canceled, what is ready, how many of each recipe."""
    station = query["station"]
    with services().database.connection(request_deadline()) as conn:
        drinks = open_drinks.list_open_drinks(conn, station=station, waiting_at_most=query["limit"])
        # Both are read after the open ones: what is canceled or made in between is then in two lists, and not in none.
        canceled = cancellations.list_unseen_cancellations(conn, station=station, at_most=MAX_LISTED_CANCELLATIONS)
        ready = _list_ready(conn, station)
        counts = open_drinks.count_open_drinks_by_recipe(conn, station=station)
        sold_out = recipes.list_sold_out_recipes(conn)
    now = datetime.now(UTC)
    return {
        "now": now,
        "items": [_drink(drink, now) for drink in drinks],
        "canceled": [_drink(drink, now) for drink in canceled],
        "ready": [_drink(drink, now) for drink in ready],
        "all_day": counts,
        "sold_out": sold_out,
    }


@blueprint.route("/claim", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(ClaimSchema)
@blueprint.response(200, ClaimAnswerSchema)
@blueprint.alt_response(204, description="There is nothing to make.")
def claim(body: dict[str, Any]) -> Response | dict[str, Any]:
    """Take the drink that is due first and, up to `max`, more of its recipe. 204 when there is nothing to make."""
    now = datetime.now(UTC)
    actor = Actor(principal().id, principal().role)
    with services().database.transaction(request_deadline()) as conn:
        claimed = claim_next(conn, actor, body["max"], body["station"], now)
    if not claimed:
        return Response(status=204)
    keys = {(item.order_id, item.number) for item in claimed}
    order_ids = sorted({order_id for order_id, _ in keys})
    note_orders(order_ids)
    with services().database.connection(request_deadline()) as conn:
        drinks = open_drinks.list_open_drinks_of_orders(conn, order_ids=order_ids)
    return {"items": [_drink(drink, now) for drink in drinks if (drink.order_id, drink.number) in keys]}


@blueprint.route("/fail", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(FailWaitingSchema)
@blueprint.response(200, FailedDrinksSchema)
@contract(fails=["not_found"])
def fail_waiting_drinks(body: dict[str, Any]) -> FailedDrinks:
    """Fail the waiting drinks of a recipe that is sold out, at most 200 at a time; those in hand stay."""
    actor = Actor(principal().id, principal().role)
    with services().database.transaction(request_deadline()) as conn:
        return fail_waiting(conn, body["recipe_id"], actor, datetime.now(UTC), body["reason"])


def _list_ready(conn: Connection[Any], station: str | None) -> list[Drink]:
    completed_after = datetime.now(UTC) - timedelta(seconds=READY_SECONDS)
    return ready_drinks.list_ready_drinks(
        conn, completed_after=completed_after, station=station, at_most=MAX_LISTED_READY
    )


def _drink(drink: OpenDrink | Drink | ListUnseenCancellationsRow, now: datetime) -> dict[str, Any]:
    columns = {name: getattr(drink, name) for name in _DRINK_FIELDS if hasattr(drink, name)}
    recipe = {
        "id": drink.recipe_id,
        "name": drink.recipe,
        "build": drink.build,
        "ingredients": drink.ingredients or [],
        "allergens": drink.allergens or [],
    }
    age_seconds = (now - drink.placed_at).total_seconds()
    return {**columns, "recipe": recipe, "late": drink.due_at < now, "age_seconds": age_seconds}
