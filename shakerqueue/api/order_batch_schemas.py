"""What a batch of orders may hold, and what is told of each of them."""

from typing import Any

from marshmallow import ValidationError, fields

from shakerqueue.api.fields import AnswerSchema, BoundedList, Either, StrictSchema, idempotency_key
from shakerqueue.api.openapi.problem_schemas import ProblemSchema
from shakerqueue.api.schemas import BriefOrderSchema, OrderSchema, PlaceOrderSchema, QueuedOrderSchema

MAX_BATCH_ORDERS = 100


class BatchedOrderSchema(PlaceOrderSchema):
    """What `POST /orders` takes, and the key that it has in a header there."""

    idempotency_key = idempotency_key()


class AsSent(fields.Nested):
    """An object that stays as it was sent: it is checked later and by itself, and fails by itself."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("Not an object.")
        return value


class OrderBatchSchema(StrictSchema):
    orders = BoundedList(AsSent(BatchedOrderSchema), at_least=1, at_most=MAX_BATCH_ORDERS, required=True)


class OrderOutcomeSchema(AnswerSchema):
    """Either `order` and `replayed`, or `error`."""

    not_always = frozenset({"order", "replayed", "error"})

    idempotency_key = fields.String(allow_none=True, metadata={"description": "as it was sent; null if it is no text"})
    status = fields.Integer(metadata={"description": "that of `POST /orders`, had the order come by itself"})
    order = Either(
        QueuedOrderSchema,
        OrderSchema,
        BriefOrderSchema,
        metadata={"description": "as `POST /orders` answers: a repeat, as it is now"},
    )
    replayed = fields.Boolean(
        metadata={
            "description": "whether it had been stored before, so false for a repeat that is queued; only with `order`"
        }
    )
    error = fields.Nested(ProblemSchema)


class OrderOutcomesSchema(AnswerSchema):
    orders = fields.List(
        fields.Nested(OrderOutcomeSchema), metadata={"description": "in the order in which they were sent"}
    )
