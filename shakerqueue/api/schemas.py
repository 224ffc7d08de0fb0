"""What requests about orders may hold and what answers hold. docs and checks are both made from these."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from shakerqueue.api.fields import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, StrictSchema, WholeNumber, YesOrNo, text
from shakerqueue.queries.models import ItemStatus, OrderStatus, RecipeBuild

MAX_DRINKS = 100


class OrderLineSchema(StrictSchema):
    recipe = text(MAX_NAME_LENGTH, required=True)
    quantity = WholeNumber(load_default=1, validate=validate.Range(min=1, max=MAX_DRINKS))
    note = text(MAX_NOTE_LENGTH, load_default=None, allow_none=True)
    modifiers = fields.List(text(100), load_default=list, validate=validate.Length(max=20))


class PlaceOrderSchema(StrictSchema):
    """Either `recipe`, for one drink, or `items`."""

    recipe = text(MAX_NAME_LENGTH)
    items = fields.List(fields.Nested(OrderLineSchema), validate=validate.Length(min=1, max=MAX_DRINKS))
    ticket = text(64, load_default=None, allow_none=True)
    external_id = text(255, load_default=None, allow_none=True)
    note = text(MAX_NOTE_LENGTH, load_default=None, allow_none=True)
    rush = YesOrNo(load_default=False)

    @validates_schema
    def one_way_to_name_the_drinks(self, data: dict[str, Any], **_: Any) -> None:
        if ("recipe" in data) == ("items" in data):
            raise ValidationError("Give either recipe or items.", "recipe")

    @validates_schema
    def not_too_many_drinks(self, data: dict[str, Any], **_: Any) -> None:
        if sum(line["quantity"] for line in data.get("items", [])) > MAX_DRINKS:
            raise ValidationError(f"At most {MAX_DRINKS} drinks in one order.", "items")


class QueuedItemSchema(StrictSchema):
    number = fields.Integer()
    recipe = fields.String()


class QueuedOrderSchema(StrictSchema):
    """What the API itself knows of an order that it has accepted."""

    id = fields.UUID()
    status = fields.String()
    placed_at = fields.AwareDateTime()
    items = fields.List(fields.Nested(QueuedItemSchema))


class OrderItemSchema(StrictSchema):
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
    error = fields.String(allow_none=True)


class OrderSchema(StrictSchema):
    id = fields.UUID()
    status = fields.Enum(OrderStatus, by_value=True)
    placed_at = fields.AwareDateTime()
    ticket = fields.String(allow_none=True)
    external_id = fields.String(allow_none=True)
    note = fields.String(allow_none=True)
    rush = fields.Boolean()
    error = fields.String(allow_none=True)
    items = fields.List(fields.Nested(OrderItemSchema))
