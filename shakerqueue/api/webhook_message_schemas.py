"""What webhooks tell: the bodies that receivers get. More members may come, and more types."""

from marshmallow import fields, validate

from shakerqueue.api.fields import AnswerSchema
from shakerqueue.bar import BarState
from shakerqueue.queries.models import OrderStatus
from shakerqueue.webhook_types import TEST, WebhookType


class OrderToldSchema(AnswerSchema):
    order_id = fields.UUID()
    external_id = fields.String(allow_none=True)
    ticket = fields.String(allow_none=True)
    sequence = fields.Integer(
        metadata={"description": "counts the endpoint's messages of this order from 1, without a gap"}
    )
    event_id = fields.Integer(metadata={"description": "the `id` of the event in `GET /events`"})


class OrderStatusToldSchema(OrderToldSchema):
    status = fields.Enum(OrderStatus, by_value=True, metadata={"description": "what the order is from now on"})


class DrinkToldSchema(OrderToldSchema):
    not_always = frozenset({"error"})

    number = fields.Integer()
    recipe = fields.String()
    status = fields.String(metadata={"description": "what the drink is from now on"})
    error = fields.String(metadata={"description": "why it failed, or was canceled"})


class MenuToldSchema(AnswerSchema):
    sold_out = fields.List(fields.String(), metadata={"description": "what cannot be ordered now"})


class BarToldSchema(AnswerSchema):
    state = fields.Enum(BarState, by_value=True)
    accepting = fields.Boolean()
    reason = fields.String(allow_none=True)
    closes_at = fields.AwareDateTime(allow_none=True)
    reopens_at = fields.AwareDateTime(allow_none=True)


class TestToldSchema(AnswerSchema):
    webhook_id = fields.UUID()


def _type(*kinds: str) -> fields.String:
    return fields.String(validate=validate.OneOf(kinds))


class MessageSchema(AnswerSchema):
    """A message in the form that the specification of Standard Webhooks recommends."""

    timestamp = fields.AwareDateTime(metadata={"description": "when it happened"})


class OrderPlacedMessageSchema(MessageSchema):
    type = _type(WebhookType.ORDER_PLACED)
    data = fields.Nested(OrderToldSchema)


class OrderMessageSchema(MessageSchema):
    """An order has another status."""

    type = _type(*(f"order.{status.value}" for status in OrderStatus))
    data = fields.Nested(OrderStatusToldSchema)


class DrinkMessageSchema(MessageSchema):
    """Something happened to one drink of an order."""

    type = _type(*(kind for kind in WebhookType if kind.startswith("drink.")))
    data = fields.Nested(DrinkToldSchema)


class MenuMessageSchema(MessageSchema):
    type = _type(WebhookType.MENU_CHANGED)
    data = fields.Nested(MenuToldSchema)


class BarMessageSchema(MessageSchema):
    type = _type(WebhookType.BAR_CHANGED)
    data = fields.Nested(BarToldSchema)


class TestMessageSchema(MessageSchema):
    type = _type(TEST)
    data = fields.Nested(TestToldSchema)


MESSAGES: tuple[type[MessageSchema], ...] = (
    OrderPlacedMessageSchema,
    OrderMessageSchema,
    DrinkMessageSchema,
    MenuMessageSchema,
    BarMessageSchema,
    TestMessageSchema,
)
