"""What the worker hands to the handlers and gets back: no channel in sight."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shakerqueue.messaging.letters import Letter

# A message that ends its consumer comes back with a higher count, and its neighbours with it. So, from the second time
# on it is handled alone, or, if it holds several orders, each of them is sent anew in a message of its own; and at the
# fifth it is not even parsed: it goes to the dead queue, and its neighbours do not. The queue's own delivery limit
# (topology.py) is far above and only a net below.
LONE_DELIVERY_COUNT = 2
MAX_DELIVERY_COUNT = 5


class Delivery(NamedTuple):
    """A message as it was delivered, and its history as far as it has one.

    `delivery_count` says how often it was delivered and given back by an end of its consumer, `attempts` how often it
    was handled and failed.
    """

    tag: int
    body: bytes
    delivery_count: int
    attempts: int = 0
    first_failed_at: datetime | None = None


class Fate(StrEnum):
    """Where something goes that was not stored."""

    DEAD = "dead"  # it can never be
    LATER = "later"  # it failed alone; tried again after a while
    APART = "apart"  # one of many in a message that ended its consumer; tried again in a message of its own


class Failure(NamedTuple):
    """Something of a delivery that was not stored."""

    tag: int  # of the delivery
    fate: Fate
    letter: Letter
    order_id: UUID | None = None  # of a message that is none
