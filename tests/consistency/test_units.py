"""The units of docs/operations/systemd: systemd understands them, and each starts a command that there is."""

import re
import subprocess
from pathlib import Path

import pytest

from dev import debian
from shakerqueue.cli import cli
from tests.support.compose import REPOSITORY

FOLDER = REPOSITORY / "docs/operations/systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
MOST_EXPOSED = 15  # tenths, of 100
PROGRAM = "/opt/shakerqueue/.venv/bin/shakerqueue"

units = pytest.mark.parametrize("unit", UNITS)


@pytest.fixture
def systemd_analyze() -> Path:
    found = debian.find("systemd-analyze")
    if found is None:
        pytest.skip("there is no systemd")
    return found


@units
def test_systemd_understands_it(systemd_analyze: Path, tmp_path: Path, unit: str) -> None:
    """The program stands elsewhere there, so another one does for it."""
    copy = tmp_path / unit
    copy.write_text((FOLDER / unit).read_text().replace(PROGRAM, "/bin/true"))
    verified = subprocess.run([systemd_analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (0, "") == (verified.returncode, verified.stderr)


@units
def test_it_may_do_little(systemd_analyze: Path, unit: str) -> None:
    command = [str(systemd_analyze), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(FOLDER / unit)]
    looked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == looked.returncode, looked.stdout


def test_they_start_the_commands_that_do_not_end() -> None:
    started = [re.findall(rf"^ExecStart={PROGRAM} (\S+)$", (FOLDER / unit).read_text(), re.MULTILINE) for unit in UNITS]
    assert [["serve"], ["consume"], ["webhooks"]] == started
    assert {"serve", "consume", "webhooks"} <= set(cli.commands)


def test_the_wrapper_hands_the_environment_to_the_command(tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    environment.write_text("PUBLIC_URL=https://bar.example\n")
    command = ["sh", str(FOLDER / "shakerqueue.sh"), "-c", 'echo "$PUBLIC_URL $0"', "said"]
    settings = {"ENVIRONMENT": str(environment), "PROGRAM": "/bin/sh", "PATH": "/usr/bin:/bin"}
    said = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    assert "https://bar.example said\n" == said.stdout
