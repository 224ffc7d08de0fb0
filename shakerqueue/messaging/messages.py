"""What travels through the queue: an envelope of one or more placed orders, as JSON.

Version 1. A reader ignores fields that it does not know, so fields may be added; anything else is version 2.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from shakerqueue.errors import MalformedMessage

CONTENT_TYPE = "application/json"


class ItemPlaced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of an order: so many of the same drink. A line stays a line here, so a message stays small."""

    recipe_id: UUID
    recipe: str
    quantity: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    note: str | None = None
    modifiers: tuple[str, ...] = ()


class OrderPlaced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order, complete: whoever persists it needs to ask nobody."""

    id: UUID
    principal_id: UUID
    idempotency_key: str
    fingerprint: bytes  # base64 on the wire
    placed_at: datetime
    items: tuple[ItemPlaced, ...]  # their drinks are numbered from 1, in this order
    ticket: str | None = None
    external_id: str | None = None
    note: str | None = None
    rush: bool = False
    traceparent: str | None = None  # W3C trace context

    @property
    def drink_count(self) -> int:
        return sum(item.quantity for item in self.items)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    v: Literal[1]
    orders: tuple[OrderPlaced, ...]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Envelope)


def encode_order(order: OrderPlaced) -> bytes:
    return _encoder.encode(order)


def pack(encoded_orders: Sequence[bytes]) -> bytes:
    """The body of one message that carries orders which `encode_order` made."""
    return b'{"v":1,"orders":[' + b",".join(encoded_orders) + b"]}"


def unpack(body: bytes) -> tuple[OrderPlaced, ...]:
    """The orders of a message.

    Raises:
        MalformedMessage: the body is no envelope of version 1.
    """
    try:
        return _decoder.decode(body).orders
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedMessage(str(error)) from error
