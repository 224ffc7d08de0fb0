"""API keys: unguessable, shown once, stored hashed, scoped, revocable, expiring, compared in constant time."""

import hashlib
import hmac
import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import log2
from typing import Any

import pytest
from flask.testing import FlaskClient

from shakerqueue import api_keys
from tests.support.api_keys import bearer, listed, new_key
from tests.support.application import running_app
from tests.support.bar import Bar
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5
ORDER = {"recipe": "Negroni"}

Headers = dict[str, str]


def test_sec_19_nobody_guesses_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert api_keys.SECRET_CHARACTERS * log2(len(set(api_keys.ALPHABET))) >= 128
    made = [api_keys.new_key() for _ in range(1000)]
    secret_parts = [key.rpartition("_")[2] for key in made]
    assert 1000 == len(set(secret_parts))
    assert {api_keys.SECRET_CHARACTERS} == {len(part) for part in secret_parts}
    # Each character about as often as any other: 32,000 of 62, each 516 times give or take.
    counts = Counter("".join(secret_parts))
    assert set(api_keys.ALPHABET) == set(counts)
    assert max(counts.values()) < 2 * min(counts.values())
    # And from the system's generator for secrets, none that could be foretold.
    monkeypatch.setattr(secrets, "choice", lambda _: "x")
    assert f"sqk_{'x' * 10}_{'x' * 32}" == api_keys.new_key()


def test_sec_19_a_key_is_compared_in_constant_time_whatever_of_it_is_right(
    client: FlaskClient, admin: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key(client, admin)["key"]
    compared: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def noted(stored: Any, presented: Any) -> bool:
        compared.append((stored, presented))
        return compare(stored, presented)

    monkeypatch.setattr("shakerqueue.api_keys.hmac.compare_digest", noted)
    other = "a" if key[-1] != "a" else "b"
    for presented in (key, key[:-1] + other, key[:-32] + other * 32):
        compared.clear()
        status = client.get("/me", headers={"Authorization": f"Bearer {presented}"}).status_code
        assert (200 if presented == key else 401) == status
        digests = (hashlib.sha256(key.encode()).digest(), hashlib.sha256(presented.encode()).digest())
        assert [digests] == compared


def test_sec_19_a_key_is_shown_once_and_stored_as_a_hash(client: FlaskClient, admin: Headers, bar: Bar) -> None:
    made = new_key(client, admin, "orders:write", "orders:read", "orders:write", integration="Front till")

    assert made["key"].startswith(f"{made['prefix']}_")
    assert ["orders:read", "orders:write"] == made["scopes"]
    assert "Front till" == made["integration"]["name"]
    [in_the_list] = listed(client, admin)
    assert {name: value for name, value in made.items() if name != "key"} == in_the_list
    [(stored,)] = bar.query("SELECT api_keys::text FROM api_keys")
    secret = made["key"].removeprefix(f"{made['prefix']}_")
    assert secret not in str(stored)
    assert 32 == len(secret)


@pytest.mark.shares_bar
def test_sec_19_a_missing_scope_is_named(client: FlaskClient, admin: Headers) -> None:
    answer = client.post("/orders", json=ORDER, headers=bearer(new_key(client, admin, "orders:read")))
    assert (403, "insufficient_scope") == (answer.status_code, answer.get_json()["code"])
    assert 'Bearer error="insufficient_scope", scope="orders:write"' == answer.headers["WWW-Authenticate"]


@pytest.mark.shares_bar
@pytest.mark.parametrize("altered", ["", "x", "sqk_", "shorter", "other secret", "other prefix", "basic"])
def test_sec_19_what_is_no_key_opens_nothing(client: FlaskClient, admin: Headers, altered: str) -> None:
    key = new_key(client, admin)["key"]
    presented = {
        "shorter": key[:-1],
        "other secret": key[:-1] + ("a" if key[-1] != "a" else "b"),
        "other prefix": "sqk_" + ("a" if key[4] != "a" else "b") + key[5:],
    }.get(altered, altered)
    scheme = "Basic" if altered == "basic" else "Bearer"
    answer = client.get("/me", headers={"Authorization": f"{scheme} {presented}"})
    assert (401, "Bearer") == (answer.status_code, answer.headers["WWW-Authenticate"])


def test_sec_19_a_key_ends_when_its_time_is_over(client: FlaskClient, admin: Headers) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    made = new_key(client, admin, expires_at=soon.isoformat())
    assert 200 == client.get("/me", headers=bearer(made)).status_code
    eventually(lambda: 401 == client.get("/me", headers=bearer(made)).status_code, 3)
    assert [made["id"]] == [key["id"] for key in listed(client, admin)]  # so that somebody sees why the till is out


def test_sec_19_a_revoked_key_is_known_everywhere_within_a_second(
    client: FlaskClient, admin: Headers, bar: Bar
) -> None:
    made = new_key(client, admin)
    with running_app(bar) as app:
        other_process = app.test_client()
        assert 200 == other_process.get("/me", headers=bearer(made)).status_code
        assert [204, 204] == [client.delete(f"/api-keys/{made['id']}", headers=admin).status_code for _ in range(2)]
        eventually(lambda: 401 == other_process.get("/me", headers=bearer(made)).status_code, ABOUT_A_SECOND)
    assert [] == listed(client, admin)
