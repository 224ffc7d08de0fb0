"""What requests about webhooks may hold, and what is answered: a secret only when it is made."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates_schema

from shakerqueue.api.fields import AnswerSchema, BoundedList, Moment, StrictSchema, YesOrNo, text
from shakerqueue.api.pages import Cursor, PageSchema
from shakerqueue.queries.models import WebhookDeliveryStatus
from shakerqueue.webhook_targets import MAX_URL_LENGTH
from shakerqueue.webhook_types import TEST, WebhookType

MAX_DESCRIPTION_LENGTH = 200


def _types(**options: Any) -> BoundedList:
    return BoundedList(fields.Enum(WebhookType, by_value=True), at_least=1, at_most=len(WebhookType), **options)


class NewWebhookSchema(StrictSchema):
    url = text(MAX_URL_LENGTH, required=True)
    types = _types(required=True)
    description = text(MAX_DESCRIPTION_LENGTH, load_default=None, allow_none=True)


class WebhookChangeSchema(StrictSchema):
    rules: ClassVar = {"minProperties": 1}

    url = text(MAX_URL_LENGTH)
    types = _types()
    description = text(MAX_DESCRIPTION_LENGTH, allow_none=True)
    enabled = YesOrNo()

    @validates_schema
    def something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Give url, types, description or enabled.", "url")


class WebhookSchema(AnswerSchema):
    id = fields.UUID()
    integration_id = fields.UUID(
        allow_none=True, metadata={"description": "whose orders it hears of; null: it is the house's, of all orders"}
    )
    url = fields.String()
    description = fields.String(allow_none=True)
    types = fields.List(fields.String())
    enabled = fields.Boolean()
    disabled_reason = fields.String(allow_none=True, metadata={"description": "`gone`: it answered 410"})
    previous_secret_until = fields.AwareDateTime(
        allow_none=True, metadata={"description": "until when messages carry the signature of the secret before too"}
    )
    created_at = fields.AwareDateTime()


class WebhookWithSecretSchema(WebhookSchema):
    secret = fields.String(metadata={"description": "the only time that it is shown"})


class WebhookListSchema(AnswerSchema):
    webhooks = fields.List(fields.Nested(WebhookSchema))


class DeliveryListQuerySchema(PageSchema):
    cursor = Cursor(datetime, UUID)
    status = fields.Enum(WebhookDeliveryStatus, by_value=True, load_default=None)
    type = fields.String(load_default=None, validate=validate.OneOf([*WebhookType, TEST]))
    order_id = fields.UUID(load_default=None)


class DeliverySchema(AnswerSchema):
    """A message. Its `message_id` stays the same, however often it is sent."""

    id = fields.UUID()
    message_id = fields.String(metadata={"description": "the header `webhook-id`"})
    type = fields.String()
    order_id = fields.UUID(allow_none=True)
    sequence = fields.Integer(allow_none=True)
    status = fields.Enum(WebhookDeliveryStatus, by_value=True)
    attempts = fields.Integer()
    next_attempt_at = fields.AwareDateTime(
        allow_none=True, metadata={"description": "null: done, or behind an earlier message of its order"}
    )
    created_at = fields.AwareDateTime()
    done_at = fields.AwareDateTime(allow_none=True)


class DeliveryListSchema(AnswerSchema):
    deliveries = fields.List(fields.Nested(DeliverySchema))
    next_cursor = fields.String(allow_none=True)


class AttemptSchema(AnswerSchema):
    number = fields.Integer()
    began_at = fields.AwareDateTime()
    duration_seconds = fields.Float()
    status_code = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    detail = fields.String(allow_none=True)
    excerpt = fields.String(allow_none=True, metadata={"description": "how the answer begins"})


class DeliveryWithAttemptsSchema(DeliverySchema):
    body = fields.String(metadata={"description": "as it is signed and sent"})
    log = fields.List(fields.Nested(AttemptSchema))


class SendAgainSchema(StrictSchema):
    """Which messages: those that ended so, and were made between these times, until now by default."""

    status = fields.Enum(
        WebhookDeliveryStatus,
        by_value=True,
        load_default=WebhookDeliveryStatus.FAILED,
        metadata={"description": "`pending`: all that waits for another attempt has it now"},
    )
    created_from = Moment(required=True)
    created_until = Moment(load_default=None)


class SentAgainSchema(AnswerSchema):
    deliveries = fields.Integer()
    next_created_from = fields.AwareDateTime(
        allow_none=True, metadata={"description": "there are more: ask again with it as `created_from`"}
    )
