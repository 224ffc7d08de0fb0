"""The recipes on the books, for the staff: what is on the menu, what is 86'd, how much is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Response, url_for

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow
from shakerqueue.api.menu_schemas import (
    NewRecipeSchema,
    RecipeChangeSchema,
    RecipeListSchema,
    RecipePageSchema,
    RecipeSchema,
)
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.pages import page
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.errors import DataRefused
from shakerqueue.queries import recipes
from shakerqueue.queries.models import Recipe
from shakerqueue.roles import STAFF
from shakerqueue.scopes import Scope

BEFORE_THE_FIRST = ("", UUID(int=0))
SETTABLE = ("name", "build", "ingredients", "allergens", "station", "available")
NULLABLE = ("prep_seconds", "priority", "remaining")

blueprint = Blueprint("recipes", __name__, url_prefix="/recipes", description="The recipes on the books")


@blueprint.route("")
@allow(STAFF, Scope.MENU_READ)
@blueprint.arguments(RecipePageSchema, location="query")
@blueprint.response(200, RecipeListSchema)
def list_recipes(query: dict[str, Any]) -> dict[str, Any]:
    """The recipes by name, also those that cannot be ordered now."""
    after_name, after_id = query["cursor"] or BEFORE_THE_FIRST
    with services().database.connection(request_deadline()) as conn:
        rows = recipes.list_recipes_page(
            conn, after_name=after_name, after_id=after_id, archived=query["archived"], page_size=query["limit"] + 1
        )
    return page("recipes", rows, query["limit"], lambda recipe: (recipe.name, recipe.id))


@blueprint.route("", methods=["POST"])
@allow(STAFF, Scope.MENU_WRITE)
@blueprint.arguments(NewRecipeSchema)
@blueprint.response(201, RecipeSchema, headers=["Location"])
@contract(fails=["name_taken"])
def add_recipe(body: dict[str, Any]) -> tuple[Recipe, int, dict[str, str]]:
    """Add a recipe; every process offers it within a second."""
    with _refusals_by_field(), services().database.transaction(request_deadline()) as conn:
        recipe = recipes.insert_recipe(conn, **body)
    assert recipe is not None, "an INSERT returns its row"  # noqa: S101
    return recipe, 201, {"Location": url_for("recipes.get_recipe", recipe_id=recipe.id)}


@blueprint.route("/<uuid:recipe_id>")
@allow(STAFF, Scope.MENU_READ)
@blueprint.response(200, RecipeSchema)
def get_recipe(recipe_id: UUID) -> Recipe:
    """One recipe, archived or not."""
    with services().database.connection(request_deadline()) as conn:
        recipe = recipes.get_recipe(conn, id=recipe_id)
    if recipe is None:
        raise _not_found()
    return recipe


@blueprint.route("/<uuid:recipe_id>", methods=["PATCH"])
@allow(STAFF, Scope.MENU_WRITE)
@blueprint.arguments(RecipeChangeSchema)
@blueprint.response(200, RecipeSchema)
@contract(fails=["name_taken", "archived", "not_counted", "too_few_left"])
def change_recipe(body: dict[str, Any], recipe_id: UUID) -> Recipe:
    """Change what is named, in one statement: what is sold meanwhile is not lost."""
    with _refusals_by_field(), services().database.transaction(request_deadline()) as conn:
        changed = recipes.update_recipe(conn, id=recipe_id, **_columns(body))
        if changed is None:
            raise _not_changeable(recipes.get_recipe(conn, id=recipe_id))
    return changed


@blueprint.route("/<uuid:recipe_id>", methods=["DELETE"])
@allow(STAFF, Scope.MENU_WRITE)
@blueprint.response(204)
def archive_recipe(recipe_id: UUID) -> Response:
    """Take a recipe off the books for ever. Its name is free again, and its orders stay."""
    with services().database.transaction(request_deadline()) as conn:
        found = recipes.archive_recipe(conn, id=recipe_id)
    if not found:
        raise _not_found()
    return Response(status=204)


def _columns(body: dict[str, Any]) -> dict[str, Any]:
    """The change as UpdateRecipe takes it: a field that may become NULL says by a flag that it is named."""
    columns = {name: body.get(name) for name in SETTABLE + NULLABLE}
    flags = {f"set_{name}": name in body for name in NULLABLE}
    return {**columns, **flags, "add": body.get("remaining_delta", 0)}


def _not_found() -> Problem:
    return Problem(404, "There is no such recipe.")


def _not_changeable(recipe: Recipe | None) -> Problem:
    if recipe is None:
        return _not_found()
    if recipe.archived_at is not None:
        return Problem(409, "The recipe is archived.", code="archived")
    return _conflict(
        "remaining_delta", "not_counted", "The drinks of this recipe are not counted; set remaining first."
    )


@contextmanager
def _refusals_by_field() -> Iterator[None]:
    try:
        yield
    except DataRefused as error:
        if error.constraint == "recipes_name_key":
            raise _conflict("name", "name_taken", "Another recipe has this name.") from error
        if error.constraint == "recipes_remaining_not_negative":
            raise _conflict("remaining_delta", "too_few_left", "Fewer than that are left.") from error
        raise


def _conflict(field: str, code: str, detail: str) -> Problem:
    return Problem(409, detail, code=code, errors=[FieldError(field, code, detail)])
