"""What a batch of orders may hold, and what is told of each of them."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from shakerqueue.api.fields import StrictSchema, idempotency_key
from shakerqueue.api.problem_schemas import ProblemSchema
from shakerqueue.api.schemas import PlaceOrderSchema, QueuedOrderSchema

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
    orders = fields.List(
        AsSent(BatchedOrderSchema), required=True, validate=validate.Length(min=1, max=MAX_BATCH_ORDERS)
    )


class OrderOutcomeSchema(StrictSchema):
    """Either `order` or `error`."""

    idempotency_key = fields.String(allow_none=True, metadata={"description": "as it was sent; null if it is no text"})
    status = fields.Integer(metadata={"description": "that of `POST /orders`, had the order come by itself"})
    order = fields.Nested(
        QueuedOrderSchema, metadata={"description": "as `POST /orders` answers; with all of it where it is a repeat"}
    )
    replayed = fields.Boolean(metadata={"description": "whether it had been stored before; only with `order`"})
    error = fields.Nested(ProblemSchema)


class OrderOutcomesSchema(StrictSchema):
    orders = fields.List(
        fields.Nested(OrderOutcomeSchema), metadata={"description": "in the order in which they were sent"}
    )
