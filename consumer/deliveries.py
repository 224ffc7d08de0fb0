"""What the worker hands to the handlers and gets back: no channel in sight."""

from typing import NamedTuple

# A message that ends its consumer comes back with a higher count, and its neighbours with it. So, from the second time
# on it is handled alone, and at the fifth it is not even parsed: it goes to the dead queue, and they do not. The
# queue's own delivery limit (topology.py) is far above and only a net below.
LONE_DELIVERY_COUNT = 2
MAX_DELIVERY_COUNT = 5


class Delivery(NamedTuple):
    """A message as it was delivered. `delivery_count` says how often it was delivered before, as far as known."""

    tag: int
    body: bytes
    delivery_count: int


class DeadLetter(NamedTuple):
    """What must go to the dead queue: a body that a consumer could read again, and why it is there."""

    body: bytes
    reason: str
