"""An event of the log as JSON, made once for all who read it. `EventSchema` of the API describes it."""

import msgspec

from shakerqueue.queries.models import OrderEvent

_encoder = msgspec.json.Encoder()


def event_json(event: OrderEvent) -> bytes:
    """One line of UTF-8, in the form of the schema."""
    return _encoder.encode(
        {
            "id": event.id,
            "type": event.type,
            "order_id": event.order_id,
            "number": event.item_number,
            "principal_id": event.principal_id,
            "actor_id": event.actor_id,
            "detail": event.detail,
            "order_became": event.order_became,
            "at": event.created_at.isoformat(),
        }
    )
