"""The envelope: what is packed comes out again, and what is none is told apart."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shakerqueue.errors import MalformedMessage
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced, encode_order, pack, unpack

ORDER = OrderPlaced(
    id=UUID("b787d860-103e-8cff-afb4-aca96216e377"),
    principal_id=UUID("0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11"),
    idempotency_key="key-1",
    fingerprint=bytes(32),
    placed_at=datetime(2026, 11, 20, 22, 15, 0, 123456, UTC),
    items=(
        ItemPlaced(recipe_id=UUID(int=1), recipe="Piña Colada", note="no umbrella 🍍", modifiers=("double",)),
        ItemPlaced(recipe_id=UUID(int=2), recipe="Negroni"),
    ),
    ticket="T7",
    rush=True,
)


def test_what_is_packed_is_unpacked() -> None:
    assert (ORDER, ORDER) == unpack(pack([encode_order(ORDER), encode_order(ORDER)]))


def test_a_field_of_a_later_release_is_ignored() -> None:
    body = encode_order(ORDER).replace(b'{"id"', b'{"loyalty_card":7,"id"', 1)
    assert (ORDER,) == unpack(pack([body]))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"not JSON",
        b"[]",
        b'{"v":2,"orders":[]}',
        b'{"orders":[]}',
        pack([encode_order(ORDER).replace(b'"items"', b'"itemz"')]),
        pack([encode_order(ORDER).replace(b"b787d860-", b"")]),
        b"[" * 100_000,
    ],
    ids=["empty", "bytes", "text", "list", "version 2", "no version", "field missing", "no uuid", "deep"],
)
def test_what_is_no_envelope_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        unpack(body)
