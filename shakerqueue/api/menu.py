"""The menu that guests choose from."""

from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from flask import Response, current_app, request

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.menu_schemas import MenuSchema
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.services import services
from shakerqueue.menu import Menu
from shakerqueue.queries.models import Recipe

REMEMBERED_MENUS = 4

blueprint = Blueprint("menu", __name__, description="The menu")


class Rendered(NamedTuple):
    """A menu as it is sent, and the tag of exactly these bytes."""

    body: bytes
    etag: str


@blueprint.route("/menu")
@public
@blueprint.response(200, MenuSchema, headers=["ETag"])
@blueprint.alt_response(304, description="What the client has still holds.")
@contract(takes=["If-None-Match"])
def get_menu() -> Response:
    """What can be ordered now. Whether the bar takes orders at all is said by `/bar`."""
    rendered = _rendered(services().menu.current)
    response = Response(rendered.body, mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"  # keep it, but ask each time whether it still holds
    response.set_etag(rendered.etag)
    response.make_conditional(request)
    return response


@lru_cache(maxsize=REMEMBERED_MENUS)
def _rendered(menu: Menu) -> Rendered:
    """Rendered once per menu: guests ask for the same one again and again."""
    entries = [_entry(menu, recipe) for recipe in menu.offers()]
    body = current_app.json.dumps({"recipes": entries}).encode()
    return Rendered(body, sha256(body).hexdigest())


def _entry(menu: Menu, recipe: Recipe) -> dict[str, Any]:
    entry = {
        "name": recipe.name,
        "build": recipe.build.value,
        "ingredients": recipe.ingredients,
        "allergens": recipe.allergens,
        "station": recipe.station,
        "prep_seconds": menu.prep_seconds(recipe),
    }
    return entry if recipe.remaining is None else {**entry, "remaining": recipe.remaining}
