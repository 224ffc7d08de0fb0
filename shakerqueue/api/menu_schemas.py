"""What requests and answers of the menu, the recipes and the bar hold."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from shakerqueue.api.fields import (
    MAX_NAME_LENGTH,
    MAX_REASON_LENGTH,
    AnswerSchema,
    BoundedList,
    Moment,
    StrictSchema,
    WholeNumber,
    YesOrNo,
    label,
)
from shakerqueue.api.pages import Cursor, PageSchema
from shakerqueue.bar import BarState
from shakerqueue.queries.models import RecipeBuild

MAX_INGREDIENTS = 30
MAX_ALLERGENS = 20
MAX_AMOUNT = 10_000
MAX_REMAINING = 100_000
MAX_PREP_SECONDS = 3600
MAX_PRIORITY = 9
DEFAULTS: dict[str, Any] = {
    "allergens": [],
    "station": "well",
    "prep_seconds": None,
    "priority": None,
    "available": True,
    "remaining": None,
}


class Amount(fields.Field[int | float]):
    """A number above zero, kept as it was written: 30 stays 30, 22.5 stays 22.5."""

    rules: ClassVar[Mapping[str, Any]] = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_AMOUNT}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int | float:
        number: int | float = value
        if type(number) not in (int, float) or not 0 < number <= MAX_AMOUNT:
            raise ValidationError(f"A number above 0 and at most {MAX_AMOUNT}.")
        return number


class RecipeIngredientSchema(StrictSchema):
    name = label(MAX_NAME_LENGTH, required=True)
    amount = Amount(required=True)
    unit = label(20, required=True)


def _ingredients(**options: Any) -> BoundedList:
    return BoundedList(
        fields.Nested(RecipeIngredientSchema),
        at_least=1,
        at_most=MAX_INGREDIENTS,
        metadata={"uniqueItems": True, "description": "no name twice, whatever its case"},
        **options,
    )


class RecipeFieldsSchema(StrictSchema):
    """What can be said of a recipe. Null stands for the build's default, or for drinks that are not counted."""

    name = label(MAX_NAME_LENGTH)
    build = fields.Enum(RecipeBuild, by_value=True)
    ingredients = _ingredients()
    allergens = BoundedList(label(40), at_most=MAX_ALLERGENS, metadata={"uniqueItems": True})
    station = label(40)
    prep_seconds = WholeNumber(allow_none=True, validate=validate.Range(min=1, max=MAX_PREP_SECONDS))
    priority = WholeNumber(allow_none=True, validate=validate.Range(min=0, max=MAX_PRIORITY))
    available = YesOrNo()
    remaining = WholeNumber(allow_none=True, validate=validate.Range(min=0, max=MAX_REMAINING))

    @validates_schema
    def no_ingredient_twice(self, data: dict[str, Any], **_: Any) -> None:
        repeated = _repeated(ingredient["name"] for ingredient in data.get("ingredients", []))
        if repeated:
            raise ValidationError({"ingredients": {index: {"name": ["Listed twice."]} for index in repeated}})

    @validates_schema
    def no_allergen_twice(self, data: dict[str, Any], **_: Any) -> None:
        repeated = _repeated(data.get("allergens", []))
        if repeated:
            raise ValidationError({"allergens": {index: ["Listed twice."] for index in repeated}})


def _repeated(names: Iterable[str]) -> list[int]:
    """Where a name stands that stood before, whatever its case."""
    folded = [name.casefold() for name in names]
    return [index for index, name in enumerate(folded) if name in folded[:index]]


class NewRecipeSchema(RecipeFieldsSchema):
    """Name, build and ingredients are needed; the rest has defaults."""

    name = label(MAX_NAME_LENGTH, required=True)
    build = fields.Enum(RecipeBuild, by_value=True, required=True)
    ingredients = _ingredients(required=True)

    @post_load
    def with_defaults(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {**DEFAULTS, **data}


class RecipeChangeSchema(RecipeFieldsSchema):
    """What is not named stays. `remaining` sets the count, `remaining_delta` adds to what is left by now."""

    remaining_delta = WholeNumber(validate=validate.Range(min=-MAX_REMAINING, max=MAX_REMAINING))

    rules: ClassVar[Mapping[str, Any]] = {"not": {"required": ["remaining", "remaining_delta"]}}

    @validates_schema
    def one_way_to_restock(self, data: dict[str, Any], **_: Any) -> None:
        if "remaining" in data and "remaining_delta" in data:
            raise ValidationError("Give either remaining or remaining_delta.", "remaining_delta")


class IngredientSchema(AnswerSchema):
    name = fields.String()
    amount = fields.Float()
    unit = fields.String()


class RecipeSchema(AnswerSchema):
    """A recipe on the books. Null stands for the build's default, or for drinks that are not counted."""

    id = fields.UUID()
    name = fields.String()
    build = fields.Enum(RecipeBuild, by_value=True)
    ingredients = fields.List(fields.Nested(IngredientSchema))
    allergens = fields.List(fields.String())
    station = fields.String()
    prep_seconds = fields.Integer(allow_none=True)
    priority = fields.Integer(allow_none=True)
    available = fields.Boolean()
    remaining = fields.Integer(allow_none=True)
    archived_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()


class RecipePageSchema(PageSchema):
    """`archived=true` lists archived recipes as well."""

    cursor = Cursor(str, UUID)
    archived = fields.Boolean(load_default=False, truthy={"true"}, falsy={"false"})


class RecipeListSchema(AnswerSchema):
    recipes = fields.List(fields.Nested(RecipeSchema))
    next_cursor = fields.String(allow_none=True)


class MenuEntrySchema(AnswerSchema):
    """`remaining` is there for drinks that are counted only."""

    not_always = frozenset({"remaining"})

    name = fields.String()
    build = fields.Enum(RecipeBuild, by_value=True)
    ingredients = fields.List(fields.Nested(IngredientSchema))
    allergens = fields.List(fields.String())
    station = fields.String()
    prep_seconds = fields.Integer()
    remaining = fields.Integer()


class MenuSchema(AnswerSchema):
    recipes = fields.List(fields.Nested(MenuEntrySchema))


class BarChangeSchema(StrictSchema):
    """`accepting` starts afresh: what is not given with it is null. Without it, what is not given stays.

    `closes_at` is last call: accepted until then. Times are ahead, within a year; the bar reopens after it closes.
    """

    accepting = YesOrNo()
    reason = label(MAX_REASON_LENGTH, allow_none=True)
    closes_at = Moment(format="iso", allow_none=True)
    reopens_at = Moment(format="iso", allow_none=True)


class BarSchema(AnswerSchema):
    state = fields.Enum(BarState, by_value=True)
    accepting = fields.Boolean()
    reason = fields.String(allow_none=True)
    closes_at = fields.AwareDateTime(allow_none=True)
    reopens_at = fields.AwareDateTime(allow_none=True)
