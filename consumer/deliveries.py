"""What the worker hands to the handlers and gets back: no channel in sight."""

from typing import NamedTuple


class Delivery(NamedTuple):
    """A message as it was delivered. `delivery_count` says how often it was delivered before, as far as known."""

    tag: int
    body: bytes
    delivery_count: int


class DeadLetter(NamedTuple):
    """What must go to the dead queue: a body that a consumer could read again, and why it is there."""

    body: bytes
    reason: str
