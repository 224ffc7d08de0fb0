"""Events are rendered by themselves, once for all their readers; the schema of the contract stays the truth."""

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from shakerqueue.api.schemas import EventSchema
from shakerqueue.event_json import event_json
from shakerqueue.queries.models import OrderEvent, OrderEventType, OrderStatus

PLACED = OrderEvent(
    id=2**53,
    order_id=uuid4(),
    item_number=None,
    type=OrderEventType.PLACED,
    principal_id=uuid4(),
    actor_id=None,
    detail={},
    created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    order_became=None,
)
COMPLETED = OrderEvent(
    id=7,
    order_id=uuid4(),
    item_number=2,
    type=OrderEventType.COMPLETED,
    principal_id=uuid4(),
    actor_id=uuid4(),
    detail={"reason": 'of "two"\nlines\u2028 and a Caipirinha de maracujá 🍹', "count": 1.5, "more": [None, True]},
    created_at=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=timezone(timedelta(hours=-3))),
    order_became=OrderStatus.COMPLETE,
)


@pytest.mark.parametrize("event", [PLACED, COMPLETED])
def test_an_event_is_what_its_schema_makes_of_it_on_one_line(event: OrderEvent) -> None:
    rendered = event_json(event)
    assert EventSchema().dump(event) == json.loads(rendered)
    assert [rendered] == rendered.splitlines()
