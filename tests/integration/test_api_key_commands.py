"""`shakerqueue create-api-key`: the key, or one line that says why not."""

import subprocess
import sys
from dataclasses import replace

import pytest

from shakerqueue.api_keys import hash_of
from tests.support.bar import Bar

Ran = subprocess.CompletedProcess[str]


def create_api_key(bar: Bar, *options: str) -> Ran:
    return subprocess.run(
        [sys.executable, "-m", "shakerqueue.cli", "create-api-key", *options],
        env=bar.environment(port=1),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_is_made_and_alone_on_standard_output(bar: Bar) -> None:
    scopes = ("--scope", "orders:write", "--scope", "orders:read")
    ran = create_api_key(bar, "--integration", "till-1", *scopes, "--expires-in-days", "90")
    assert 0 == ran.returncode, ran.stderr
    assert ran.stderr.startswith("till-1: orders:read, orders:write, until 20")

    another = create_api_key(bar, "--integration", "TILL-1", "--another", "--scope", "orders:write")
    assert "till-1: orders:write, for ever\n" == another.stderr

    days = "round(extract(epoch FROM expires_at - api_keys.created_at) / 86400)::int"
    rows = bar.query(
        f"SELECT username, role::text, key_hash, scopes, {days} FROM api_keys JOIN users ON users.id = integration_id"
        " ORDER BY api_keys.created_at"
    )
    hashes = [hash_of(made.stdout.rstrip("\n")) for made in (ran, another)]
    assert [
        ("till-1", "integration", hashes[0], ["orders:read", "orders:write"], 90),
        ("till-1", "integration", hashes[1], ["orders:write"], None),
    ] == [(name, role, bytes(key_hash), *rest) for name, role, key_hash, *rest in rows]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--integration", "user"], "shakerqueue: user is taken; for another key of it give --another"),
        (["--integration", "till", "--another"], "shakerqueue: there is no integration called till, or it is disabled"),
        (["--integration", "user", "--another"], "shakerqueue: there is no integration called user"),
        (["--integration", "t\x1bill"], "shakerqueue: integration: Only printable characters"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_one_line(bar: Bar, options: list[str], says: str) -> None:
    ran = create_api_key(bar, *options, "--scope", "orders:write")
    assert (1, "") == (ran.returncode, ran.stdout)
    [line] = ran.stderr.splitlines()
    assert line.startswith(says)
    assert [] == bar.query("SELECT 1 FROM api_keys")


def test_a_scope_that_there_is_not_is_refused_with_those_that_there_are(bar: Bar) -> None:
    ran = create_api_key(bar, "--integration", "till", "--scope", "orders:all")
    assert 2 == ran.returncode
    assert "'webhooks:write'" in ran.stderr


def test_a_database_that_is_away_is_said_too(bar: Bar) -> None:
    away = replace(bar, database_url="postgresql://127.0.0.1:1/none")
    ran = create_api_key(away, "--integration", "till", "--scope", "orders:write")
    assert "shakerqueue: database unavailable" in ran.stderr
