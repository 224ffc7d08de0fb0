"""Refresh tokens: the successor is always the same, and nobody but us can make a token."""

from uuid import UUID

import pytest

from shakerqueue.refresh_tokens import ForeignRefreshToken, RefreshToken, derived_secret

SECRET = bytes(range(32))
SESSION = UUID(int=7)


def test_a_token_is_read_back_as_it_was_written() -> None:
    token = RefreshToken.first(SECRET, SESSION)
    assert token == RefreshToken.parse(SECRET, str(token))
    assert SESSION == token.session_id


def test_no_two_first_tokens_are_alike() -> None:
    tokens = {str(RefreshToken.first(SECRET, SESSION)) for _ in range(100)}
    assert 100 == len(tokens)


def test_the_successor_is_always_the_same_and_another_token() -> None:
    token = RefreshToken.first(SECRET, SESSION)
    successor = token.successor(SECRET)

    assert successor == RefreshToken.parse(SECRET, str(token)).successor(SECRET)
    assert successor == RefreshToken.parse(SECRET, str(successor))
    assert 4 == len({token.hash, successor.hash, successor.successor(SECRET).hash, token.successor(bytes(32)).hash})


def test_what_we_did_not_make_is_refused() -> None:
    good = str(RefreshToken.first(SECRET, SESSION))
    other_end = "A" if good[-2] != "A" else "B"
    foreign = str(RefreshToken.first(bytes(32), SESSION))
    for text in (
        "",
        "x",
        "ü",
        "a.b.c",
        good[:-4],
        good + "AAAA",
        f"{good[:9]}.{good[9:]}",
        good[:-2] + other_end + good[-1],
        foreign,
    ):
        with pytest.raises(ForeignRefreshToken):
            RefreshToken.parse(SECRET, text)


def test_a_token_does_not_show_in_a_log() -> None:
    token = RefreshToken.first(SECRET, SESSION)
    assert str(token) not in repr(token)
    assert repr(token.nonce) not in repr(token)


def test_its_secret_is_not_that_of_the_access_tokens() -> None:
    assert derived_secret("the jwt secret") != b"the jwt secret"
    assert derived_secret("the jwt secret") != derived_secret("another")
