"""The queue: what is to be made, and claiming it."""

from datetime import UTC, datetime
from typing import Any

from flask import Response

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.schemas import ClaimAnswerSchema, ClaimSchema, OpenDrinkSchema, QueueQuerySchema, QueueSchema
from shakerqueue.api.services import services
from shakerqueue.making import claim_next
from shakerqueue.order_lifecycle import Actor
from shakerqueue.queries import open_drinks
from shakerqueue.queries.models import OpenDrink
from shakerqueue.roles import STAFF

MAX_LISTED_DRINKS = 500

blueprint = Blueprint("queue", __name__, url_prefix="/queue", description="What is to be made")


@blueprint.route("")
@allow(STAFF)
@blueprint.arguments(QueueQuerySchema, location="query")
@blueprint.response(200, QueueSchema)
def get_queue(query: dict[str, Any]) -> dict[str, Any]:
    """What is to be made, the earliest deadline first, and how many of each recipe."""
    with services().database.connection(request_deadline()) as conn:
        drinks = open_drinks.list_open_drinks(conn, station=query["station"], at_most=MAX_LISTED_DRINKS)
        counts = open_drinks.count_open_drinks_by_recipe(conn, station=query["station"])
    now = datetime.now(UTC)
    return {"items": [_drink(drink, now) for drink in drinks], "all_day": counts}


@blueprint.route("/claim", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(ClaimSchema)
@blueprint.response(200, ClaimAnswerSchema)
def claim(body: dict[str, Any]) -> Response | dict[str, Any]:
    """Take the drink that is due first and, up to `max`, more of its recipe. 204 when there is nothing to make."""
    now = datetime.now(UTC)
    actor = Actor(principal().id, principal().role)
    with services().database.transaction(request_deadline()) as conn:
        claimed = claim_next(conn, actor, body["max"], body["station"], now)
    if not claimed:
        return Response(status=204)
    keys = {(item.order_id, item.number) for item in claimed}
    with services().database.connection(request_deadline()) as conn:
        drinks = open_drinks.list_open_drinks_of_orders(conn, order_ids=sorted({order_id for order_id, _ in keys}))
    return {"items": [_drink(drink, now) for drink in drinks if (drink.order_id, drink.number) in keys]}


def _drink(drink: OpenDrink, now: datetime) -> dict[str, Any]:
    columns = {name: getattr(drink, name) for name in OpenDrinkSchema().fields if hasattr(drink, name)}
    recipe = {
        "name": drink.recipe,
        "build": drink.build,
        "ingredients": drink.ingredients or [],
        "allergens": drink.allergens or [],
    }
    age_seconds = (now - drink.placed_at).total_seconds()
    return {**columns, "recipe": recipe, "late": drink.due_at < now, "age_seconds": age_seconds}
