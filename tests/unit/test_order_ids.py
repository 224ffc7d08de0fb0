"""Order ids: alike everywhere, different whenever anything differs, and tagged for their principal."""

from uuid import RFC_4122, UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from shakerqueue.order_ids import fingerprint, order_id, was_issued_to

SECRET = bytes(range(32))
PRINCIPAL = UUID("0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11")
BODY = fingerprint({"recipe": "Margarita"})


@given(
    st.uuids(),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=255),
    st.binary(min_size=32, max_size=32),
)
def test_an_id_is_a_version_8_uuid_that_its_principal_recognizes(principal: UUID, key: str, body: bytes) -> None:
    made = order_id(SECRET, principal, key, body)

    assert (8, RFC_4122) == (made.version, made.variant)
    assert was_issued_to(SECRET, principal, made)


def test_the_same_three_always_give_the_same_id() -> None:
    """A golden value: ids must not change between releases, or a repeated request would order twice."""
    assert UUID("b787d860-103e-8cff-afb4-aca96216e377") == order_id(SECRET, PRINCIPAL, "key-1", BODY)


def test_another_principal_key_or_body_gives_another_id() -> None:
    ids = {
        order_id(SECRET, PRINCIPAL, "key-1", BODY),
        order_id(SECRET, PRINCIPAL, "key-2", BODY),
        order_id(SECRET, uuid4(), "key-1", BODY),
        order_id(SECRET, PRINCIPAL, "key-1", fingerprint({"recipe": "Negroni"})),
    }
    assert 4 == len(ids)


def test_an_id_of_someone_else_or_an_invented_one_is_not_recognized() -> None:
    made = order_id(SECRET, PRINCIPAL, "key-1", BODY)

    assert not was_issued_to(SECRET, uuid4(), made)
    assert not was_issued_to(bytes(32), PRINCIPAL, made)
    assert not was_issued_to(SECRET, PRINCIPAL, uuid4())
    assert not any(was_issued_to(SECRET, PRINCIPAL, UUID(int=made.int ^ 1 << bit)) for bit in range(128))


def test_a_fingerprint_ignores_spacing_and_the_order_of_names_only() -> None:
    assert fingerprint({"a": 1, "b": [1, 2]}) == fingerprint({"b": [1, 2], "a": 1})
    assert fingerprint({"a": [1, 2]}) != fingerprint({"a": [2, 1]})
    assert fingerprint({"a": "é"}) != fingerprint({"a": "e"})
