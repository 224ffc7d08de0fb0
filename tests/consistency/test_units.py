"""The units of docs/operations/systemd: systemd understands them, and each starts a command that there is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev import debian
from shakerqueue.cli import cli
from tests.support.bar import Bar
from tests.support.compose import REPOSITORY

FOLDER = REPOSITORY / "docs/operations/systemd"
UNITS = sorted(path.name for path in FOLDER.glob("*.service"))
MOST_EXPOSED = 15  # tenths, of 100
PYTHON = "/opt/shakerqueue/.venv/bin/python"

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
    copy.write_text((FOLDER / unit).read_text().replace(PYTHON, sys.executable))
    verified = subprocess.run([systemd_analyze, "verify", copy], capture_output=True, text=True, check=False)
    assert (0, "") == (verified.returncode, verified.stderr)


@units
def test_it_may_do_little(systemd_analyze: Path, unit: str) -> None:
    command = [str(systemd_analyze), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(FOLDER / unit)]
    looked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == looked.returncode, looked.stdout


def test_they_start_the_commands_that_do_not_end() -> None:
    command = re.compile(rf"^ExecStart={PYTHON} -m shakerqueue.cli (\S+)$", re.MULTILINE)
    assert [["serve"], ["consume"], ["webhooks"]] == [command.findall((FOLDER / unit).read_text()) for unit in UNITS]
    assert {"serve", "consume", "webhooks"} <= set(cli.commands)


def test_as_many_as_may_run_on_one_machine_have_ports_of_their_own_for_metrics() -> None:
    instances = {"shakerqueue-api@.service": ("8081", "8082"), "shakerqueue-consumer@.service": ("1", "2"),
                 "shakerqueue-webhooks@.service": ("1", "2")}  # fmt: skip
    assert UNITS == sorted(instances)
    ports = []
    for unit, names in instances.items():
        [port] = re.findall(r"^Environment=METRICS_PORT=(.+)$", (FOLDER / unit).read_text(), re.MULTILINE)
        ports += [int(port.replace("%i", name)) for name in names]
    assert [18081, 18082, 19101, 19102, 19201, 19202] == ports


def test_the_wrapper_runs_a_command_with_the_settings_of_the_services(tmp_path: Path, bar: Bar) -> None:
    settings = {name: bar.environment(8080)[name] for name in ("DATABASE_URL", "AMQP_URL", "PASSWORD_PEPPER")}
    environment = tmp_path / "environment"
    environment.write_text("".join(f"{name}='{value}'\n" for name, value in settings.items()))
    (tmp_path / "jwt_secret").write_text(bar.settings.jwt_secret)
    with environment.open("a") as file:
        file.write(f"JWT_SECRET_FILE={tmp_path}/jwt_secret\n")
    where = {"ENVIRONMENT": str(environment), "PYTHON": sys.executable, "CLONE": str(REPOSITORY)}
    command = ["sh", str(FOLDER / "shakerqueue.sh"), "migrate", "status"]
    said = subprocess.run(command, env=where, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "applied  0001_users.up" == said.stdout.splitlines()[0]
