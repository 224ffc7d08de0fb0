"""Passwords: every byte counts, however long, and nothing that a client can send makes the hasher raise."""

import pytest

from shakerqueue.passwords import PasswordHasher

HASHER = PasswordHasher(pepper="the pepper of the tests", cost=4)


@pytest.mark.parametrize(
    "password",
    ["a" * 72, "a" * 73, "b" * 200, "🍸" * 64, "with\0nul", "", "half a pair \ud83c"],
    ids=["72 bytes", "73 bytes", "200 bytes", "64 emoji", "nul", "empty", "lone surrogate"],
)
def test_only_the_very_same_password_matches(password: str) -> None:
    stored = HASHER.hash(password)

    assert HASHER.matches(password, stored)
    assert not HASHER.matches(password + "x", stored)
    assert not HASHER.matches("x" + password[1:], stored)


def test_another_pepper_does_not_match() -> None:
    stored = HASHER.hash("password123")
    assert not PasswordHasher(pepper="another pepper", cost=4).matches("password123", stored)


def test_nobody_can_sign_in_without_a_hash() -> None:
    assert not HASHER.matches("the hash of a password that nobody has", None)
