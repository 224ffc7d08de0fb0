"""Passwords: every byte counts, however long, and nothing that a client can send makes the hasher raise."""

import pytest
from flask.testing import FlaskClient

from shakerqueue.config import MIN_BCRYPT_COST, load_settings
from shakerqueue.errors import ConfigurationError
from shakerqueue.passwords import PasswordHasher
from tests.support.bar import Bar

HASHER = PasswordHasher(pepper="the pepper of the tests", cost=4)
LONG = {
    "72 bytes": "a" * 72,
    "73 bytes": "a" * 73,
    "200 bytes": "b" * 200,
    "64 emoji": "🍸" * 64,
}
OTHERS = {"empty": "", "with NUL": "with\0nul", "NUL first": "\0a password", "a lone surrogate": "half a pair \ud83c"}


def with_other_tails(password: str) -> list[str]:
    """What differs from it at the end alone."""
    return [password + "x", password + password[-1:], password[:-1], password[:-1] + "x"]


@pytest.mark.parametrize("password", [*LONG.values(), *OTHERS.values()], ids=[*LONG, *OTHERS])
def test_sec_07_only_the_very_same_password_matches(password: str) -> None:
    stored = HASHER.hash(password)

    assert HASHER.matches(password, stored)
    others = [*with_other_tails(password), "x" + password[1:]]
    assert [] == [other for other in others if other != password and HASHER.matches(other, stored)]


def test_sec_07_what_is_hashed_fits_bcrypt_whatever_comes() -> None:
    """bcrypt raises above 72 bytes, and would read only up to the first NUL."""
    for password in [*LONG.values(), *OTHERS.values(), "x" * 65_536]:
        hashed = HASHER._prehash(password)
        assert (44, False) == (len(hashed), b"\0" in hashed)


def test_sec_07_another_pepper_does_not_match() -> None:
    stored = HASHER.hash("password123")
    assert not PasswordHasher(pepper="another pepper", cost=4).matches("password123", stored)


def test_sec_07_nobody_can_sign_in_without_a_hash() -> None:
    assert not HASHER.matches("the hash of a password that nobody has", None)


def log_in(client: FlaskClient, password: str) -> int:
    return client.post("/login", json={"email": "ada@example.com", "password": password}).status_code


@pytest.mark.parametrize("password", LONG.values(), ids=LONG)
def test_sec_07_long_passwords_sign_in_and_other_tails_do_not(client: FlaskClient, bar: Bar, password: str) -> None:
    ada = {"username": "Ada", "email": "ada@example.com", "password": password}
    assert 201 == client.post("/register", json=ada).status_code
    answers = {each: log_in(client, each) for each in [password, *with_other_tails(password)]}
    assert {each: 200 if each == password else 401 for each in answers} == answers
    assert [(True,)] == bar.query("SELECT password_hash LIKE '$2b$04$%' FROM users WHERE username = 'Ada'")


@pytest.mark.shares_bar
@pytest.mark.parametrize("password", OTHERS.values(), ids=OTHERS)
def test_sec_07_no_password_is_a_500(client: FlaskClient, password: str) -> None:
    assert log_in(client, password) in (400, 401)


@pytest.mark.parametrize("environment", ["production", "development"])
def test_sec_07_cheap_hashes_are_for_tests_alone(bar: Bar, monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    for name, value in bar.environment(8080).items():
        monkeypatch.setenv(name, value)
    assert 4 == load_settings().bcrypt_cost

    monkeypatch.setenv("SHAKERQUEUE_ENV", environment)
    monkeypatch.setenv("BCRYPT_COST", str(MIN_BCRYPT_COST - 1))
    with pytest.raises(ConfigurationError, match="BCRYPT_COST"):
        load_settings()
    monkeypatch.delenv("BCRYPT_COST")
    assert 12 <= load_settings().bcrypt_cost
