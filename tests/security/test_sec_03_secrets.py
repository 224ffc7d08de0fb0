"""Nothing starts without secrets that somebody made."""

import base64
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from dev import product, state
from dev.product import SECRETS
from shakerqueue.config import MIN_SECRET_BYTES, load_settings
from shakerqueue.errors import ConfigurationError
from tests.support.bar import Bar, free_port

GOOD = base64.b64encode(bytes(range(MIN_SECRET_BYTES))).decode()
WEAK = {
    "missing": None,
    "empty": "",
    "31 bytes": GOOD[: MIN_SECRET_BYTES - 1],
    "one character over and over": "a" * 64,
    "from a tutorial": "super-secret-key-of-my-flask-app-1234567890",
    "a placeholder": "please-CHANGE-me-before-you-go-live-0123456789",
    "the demo password, repeated": "password123" * 4,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is needed to start, the secrets apart."""
    for name in list(os.environ):
        if name.startswith(("SHAKERQUEUE_", *SECRETS)):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/bar")
    monkeypatch.setenv("AMQP_URL", "off")
    for name in SECRETS:
        monkeypatch.setenv(name, GOOD)


@pytest.mark.parametrize("weakness", WEAK)
@pytest.mark.parametrize("name", SECRETS)
def test_sec_03_a_secret_that_nobody_made_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, weakness: str) -> None:
    assert GOOD == load_settings().jwt_secret
    weak = WEAK[weakness]
    if weak is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, weak)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_sec_03_secrets_that_were_made_as_we_say_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(200):
        monkeypatch.setenv("JWT_SECRET", base64.b64encode(secrets.token_bytes(48)).decode())
        assert load_settings().jwt_secret


@pytest.mark.parametrize(
    ("command", "weakness"), [("serve", "missing"), ("consume", "31 bytes"), ("webhooks", "a placeholder")]
)
def test_sec_03_no_process_starts_with_such_a_secret(bar: Bar, command: str, weakness: str) -> None:
    environment = bar.environment(free_port())
    del environment["JWT_SECRET"]
    if WEAK[weakness] is not None:
        environment["JWT_SECRET"] = str(WEAK[weakness])
    refused = subprocess.run(
        [sys.executable, "-m", "shakerqueue.cli", command],
        env=environment, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert 0 != refused.returncode
    assert "JWT_SECRET" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert str(WEAK[weakness]) not in refused.stderr


def test_sec_03_make_run_makes_its_own_and_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.delenv(name)
    with state.temporary() as folder, state.temporary() as other:
        made, again, elsewhere = ([product.environment(at)[name] for name in SECRETS] for at in (folder, folder, other))
        assert made == again
        assert 2 * len(SECRETS) == len({*made, *elsewhere})
        files = [folder / "secrets" / name.lower() for name in SECRETS]
        assert [0o600] * len(files) == [stat.S_IMODE(file.stat().st_mode) for file in files]
        assert 0o700 == stat.S_IMODE((folder / "secrets").stat().st_mode)
    for name, value in zip(SECRETS, made, strict=True):
        monkeypatch.setenv(name, value)
    assert made[0] == load_settings().jwt_secret


def test_sec_03_no_secret_gets_into_git() -> None:
    kept = [state.CLONE / ".local" / "secrets" / name.lower() for name in SECRETS] + [state.CLONE / ".env"]
    assert [str(path) for path in kept] == git("check-ignore", *map(str, kept))
    assert [] == [name for name in git("ls-files") if Path(name).suffix in {".env", ".pem", ".key"}]


def git(*words: str) -> list[str]:
    said = subprocess.run(["git", *words], cwd=state.CLONE, capture_output=True, text=True, check=True)
    return said.stdout.splitlines()
