"""`shakerqueue create-admin`: the first admin, or one line that says why not."""

import subprocess
import sys
from dataclasses import replace

import psycopg
import pytest

from dev.postgres import PrivatePostgres
from tests.support.bar import Bar, create_database, free_port

PASSWORD = "correct horse battery staple"


def create_admin(
    bar: Bar, email: str = "boss@example.com", username: str = "boss", password: str = PASSWORD
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shakerqueue.cli", "create-admin", "--email", email, "--username", username],
        env=bar.environment(port=1),
        input=f"{password}\n",
        capture_output=True,
        text=True,
        check=False,
    )


def people(bar: Bar) -> list[tuple[object, ...]]:
    return bar.query("SELECT username, email, role::text FROM users ORDER BY username")


def test_the_admin_is_made_and_the_password_is_not_shown(bar: Bar) -> None:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("DELETE FROM users")

    ran = create_admin(bar)

    assert 0 == ran.returncode, ran.stderr
    assert [("boss", "boss@example.com", "admin")] == people(bar)
    assert PASSWORD not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"email": "ADMIN@example.com"}, "shakerqueue: this email is taken"),
        ({"username": "User"}, "shakerqueue: this username is taken"),
        ({"email": "boss"}, "shakerqueue: email: Not a valid email address."),
        ({"username": "bo\x1bss"}, "shakerqueue: username: Only printable characters, and no space around them."),
        ({"password": "short"}, "shakerqueue: password: Length must be between 8 and 1000."),
        ({"password": ""}, "shakerqueue: password: Length must be between 8 and 1000."),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_one_line(bar: Bar, given: dict[str, str], says: str) -> None:
    before = people(bar)

    ran = create_admin(bar, **given)

    assert (1, says) == (ran.returncode, ran.stderr.strip())
    assert before == people(bar)


def test_a_database_that_is_away_or_empty_is_said_too(bar: Bar, postgres: PrivatePostgres) -> None:
    away = replace(bar, database_url=f"postgresql://127.0.0.1:{free_port()}/none")
    assert "shakerqueue: database unavailable" in create_admin(away).stderr

    empty = replace(bar, database_url=create_database(postgres, f"{bar.prefix}-empty"))
    assert "run: shakerqueue migrate up" in create_admin(empty).stderr.splitlines()[-1]
