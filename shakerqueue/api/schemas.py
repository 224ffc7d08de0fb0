"""What requests about orders may hold and what answers hold. docs and checks are both made from these."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates_schema

from shakerqueue.api.fields import (
    MAX_NAME_LENGTH,
    MAX_NOTE_LENGTH,
    MAX_REASON_LENGTH,
    AnswerSchema,
    BoundedList,
    Moment,
    QueryNumber,
    StrictSchema,
    WholeNumber,
    YesOrNo,
    text,
)
from shakerqueue.api.menu_schemas import IngredientSchema
from shakerqueue.api.pages import Cursor, PageSchema
from shakerqueue.order_lifecycle import MAX_CLAIM_BATCH
from shakerqueue.queries.models import ItemStatus, OrderEventType, OrderStatus, RecipeBuild

MAX_DRINKS = 100
MAX_WAIT_SECONDS = 30
MAX_WAITING_DRINKS = 500
QUEUED = "queued"  # what an order is called until it is stored


class OrderLineSchema(StrictSchema):
    recipe = text(MAX_NAME_LENGTH, required=True)
    quantity = WholeNumber(load_default=1, validate=validate.Range(min=1, max=MAX_DRINKS))
    note = text(MAX_NOTE_LENGTH, load_default=None, allow_none=True)
    modifiers = BoundedList(text(50), at_most=10, load_default=list)


class PlaceOrderSchema(StrictSchema):
    """Either `recipe`, for one drink, or `items`."""

    recipe = text(MAX_NAME_LENGTH)
    items = BoundedList(fields.Nested(OrderLineSchema), at_least=1, at_most=MAX_DRINKS)
    ticket = text(64, load_default=None, allow_none=True)
    external_id = text(255, load_default=None, allow_none=True)
    note = text(MAX_NOTE_LENGTH, load_default=None, allow_none=True)
    rush = YesOrNo(load_default=False)

    # Not oneOf: generators of clients would make two types of it.
    rules: ClassVar[Mapping[str, Any]] = {
        "if": {"required": ["recipe"]},
        "then": {"not": {"required": ["items"]}},
        "else": {"required": ["items"]},
    }

    @validates_schema
    def one_way_to_name_the_drinks(self, data: dict[str, Any], **_: Any) -> None:
        if ("recipe" in data) == ("items" in data):
            raise ValidationError("Give either recipe or items.", "recipe")

    @validates_schema
    def not_too_many_drinks(self, data: dict[str, Any], **_: Any) -> None:
        if sum(line["quantity"] for line in data.get("items", [])) > MAX_DRINKS:
            raise ValidationError(f"At most {MAX_DRINKS} drinks in one order.", "items")


class QueuedItemSchema(AnswerSchema):
    number = fields.Integer()
    recipe = fields.String()


class QueuedOrderSchema(AnswerSchema):
    """What the API itself knows of an order that it has accepted."""

    id = fields.UUID()
    status = fields.String(validate=validate.OneOf([QUEUED]))
    placed_at = fields.AwareDateTime()
    items = fields.List(fields.Nested(QueuedItemSchema))


class UnstoredOrderSchema(AnswerSchema):
    """An order that was accepted and is not stored yet: more is not known of it."""

    id = fields.UUID()
    status = fields.String(validate=validate.OneOf([QUEUED]))


class OrderItemSchema(AnswerSchema):
    number = fields.Integer()
    recipe = fields.String()
    build = fields.Enum(RecipeBuild, by_value=True, allow_none=True)
    note = fields.String(allow_none=True)
    modifiers = fields.List(fields.String())
    status = fields.Enum(ItemStatus, by_value=True)
    due_at = fields.AwareDateTime()
    claimed_by = fields.UUID(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)
    completed_at = fields.AwareDateTime(allow_none=True)
    served_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "a complete drink without it is ready, or nobody marked it"}
    )
    error = fields.String(allow_none=True)


class OrderSchema(AnswerSchema):
    id = fields.UUID()
    status = fields.Enum(OrderStatus, by_value=True)
    placed_at = fields.AwareDateTime()
    updated_at = fields.AwareDateTime()
    ticket = fields.String(allow_none=True)
    external_id = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    rush = fields.Boolean()
    error = fields.String(allow_none=True)
    items = fields.List(fields.Nested(OrderItemSchema))
    place_in_line = fields.Integer(dump_default=None, allow_none=True)
    estimated_ready_at = fields.AwareDateTime(dump_default=None, allow_none=True)


class BriefOrderSchema(AnswerSchema):
    """An order that is stored, whose drinks could not be read in time."""

    rules: ClassVar[Mapping[str, Any]] = {"not": {"required": ["items"]}}  # with them it would be a whole order

    id = fields.UUID()
    status = fields.Enum(OrderStatus, by_value=True)


class OrderListSchema(AnswerSchema):
    orders = fields.List(fields.Nested(OrderSchema))
    next_cursor = fields.String(allow_none=True)


class OrderListQuerySchema(PageSchema):
    cursor = Cursor(datetime, UUID)
    status = fields.Enum(OrderStatus, by_value=True, load_default=None)
    ticket = text(64, load_default=None)
    external_id = text(255, load_default=None)
    mine = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "also for the staff only what they ordered themselves"},
    )
    placed_after = Moment(load_default=None)
    updated_after = Moment(load_default=None)


class WaitQuerySchema(StrictSchema):
    wait = QueryNumber(
        load_default=0,
        validate=validate.Range(min=0, max=MAX_WAIT_SECONDS),
        metadata={"description": "seconds to wait for a change"},
    )


class EventQuerySchema(StrictSchema):
    after = QueryNumber(load_default=None, metadata={"description": "the place to go on from; 0 is the beginning"})
    wait = QueryNumber(load_default=0, validate=validate.Range(min=0, max=MAX_WAIT_SECONDS))


class EventSchema(AnswerSchema):
    """Something that happened to an order: `number` names the drink, and is null for the order as a whole."""

    id = fields.Integer()
    type = fields.Enum(OrderEventType, by_value=True, metadata={"open": True})
    order_id = fields.UUID()
    number = fields.Integer(attribute="item_number", allow_none=True)
    principal_id = fields.UUID()
    actor_id = fields.UUID(allow_none=True)
    detail = fields.Dict()
    order_became = fields.Enum(
        OrderStatus,
        by_value=True,
        allow_none=True,
        metadata={"description": "what the order as a whole is from now on; null: what it was"},
    )
    at = fields.AwareDateTime(attribute="created_at")


class EventPageSchema(AnswerSchema):
    events = fields.List(fields.Nested(EventSchema))
    after = fields.Integer(metadata={"description": "where to go on"})
    reset = fields.Boolean(metadata={"description": "the place was lost: read everything anew, and go on from `after`"})


class NoReasonSchema(StrictSchema):
    """Nothing: only what fails or is canceled has a reason."""

    body_is_optional = True


class FailSchema(StrictSchema):
    """Why the drink cannot be made."""

    reason = text(MAX_REASON_LENGTH, required=True)


class ReasonSchema(StrictSchema):
    body_is_optional = True

    reason = text(MAX_REASON_LENGTH, load_default=None, allow_none=True)


class QueueQuerySchema(StrictSchema):
    station = text(40, load_default=None)
    limit = QueryNumber(
        load_default=MAX_WAITING_DRINKS,
        validate=validate.Range(min=1, max=MAX_WAITING_DRINKS),
        metadata={"description": "how many of the waiting drinks; those in hand are always all there"},
    )


class ClaimSchema(StrictSchema):
    body_is_optional = True

    max = WholeNumber(load_default=1, validate=validate.Range(min=1, max=MAX_CLAIM_BATCH))
    station = text(40, load_default=None, allow_none=True)


class FailWaitingSchema(StrictSchema):
    recipe_id = fields.UUID(required=True)
    reason = text(MAX_REASON_LENGTH, required=True)


class FailedDrinksSchema(AnswerSchema):
    failed = fields.Integer()
    left = fields.Integer(metadata={"description": "how many are still waiting"})


class DrinkRecipeSchema(AnswerSchema):
    id = fields.UUID(allow_none=True)
    name = fields.String()
    build = fields.Enum(RecipeBuild, by_value=True, allow_none=True)
    ingredients = fields.List(fields.Nested(IngredientSchema))
    allergens = fields.List(fields.String())


class DrinkSchema(AnswerSchema):
    """A drink with all that a bartender has to know."""

    order_id = fields.UUID()
    number = fields.Integer()
    ticket = fields.String(allow_none=True)
    recipe = fields.Nested(DrinkRecipeSchema)
    station = fields.String()
    note = fields.String(allow_none=True)
    order_note = fields.String(allow_none=True)
    order_drinks = fields.Integer(metadata={"description": "how many drinks the order has"})
    order_drinks_left = fields.Integer(metadata={"description": "how many of them are open"})
    modifiers = fields.List(fields.String())
    status = fields.Enum(ItemStatus, by_value=True)
    rush = fields.Boolean()
    placed_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime()
    age_seconds = fields.Float()
    late = fields.Boolean()
    claimed_by = fields.UUID(allow_none=True)
    claimed_by_username = fields.String(allow_none=True)
    claim_expires_at = fields.AwareDateTime(allow_none=True)
    started_at = fields.AwareDateTime(allow_none=True)


class CanceledDrinkSchema(DrinkSchema):
    """A drink that was canceled and that nobody has acknowledged; `claimed_by` held it, `error` is the reason."""

    canceled_at = fields.AwareDateTime()
    canceled_by = fields.UUID()
    canceled_by_username = fields.String()
    error = fields.String(allow_none=True)


class ReadyDrinkSchema(DrinkSchema):
    """A drink that `claimed_by` has made and that nobody has served."""

    completed_at = fields.AwareDateTime()


class RecipeCountSchema(AnswerSchema):
    recipe = fields.String()
    pending = fields.Integer()
    in_progress = fields.Integer()
    orders = fields.Integer(metadata={"description": "in how many orders the waiting ones are"})


class QueueSchema(AnswerSchema):
    now = fields.AwareDateTime(metadata={"description": "by which `late` and `age_seconds` are meant"})
    items = fields.List(fields.Nested(DrinkSchema))
    canceled = fields.List(fields.Nested(CanceledDrinkSchema))
    ready = fields.List(fields.Nested(ReadyDrinkSchema))
    all_day = fields.List(fields.Nested(RecipeCountSchema))
    sold_out = fields.List(fields.String(), metadata={"description": "the recipes that cannot be ordered now"})


class ClaimAnswerSchema(AnswerSchema):
    items = fields.List(fields.Nested(DrinkSchema))
