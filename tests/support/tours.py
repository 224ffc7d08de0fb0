"""Tours: scripts that the documents print, run as they are printed."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from dev.account import Account
from dev.postgres import PrivatePostgres
from dev.servers import launched

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"
TOUR_SECONDS = 60


def run_tour(document: str, client: httpx.Client, folder: Path | None = None) -> list[str]:
    """Run a document's tour against an API, in a folder of its own where it makes files; what it prints, by line.

    Raises:
        CalledProcessError: a command of it failed.
    """
    [script] = re.findall(r"<!-- tour:.*?-->\n```sh\n(.*?)```", _text(document), re.DOTALL)
    return _run(script, {"BASE": str(client.base_url)}, folder)


def run_document(document: str, settings: Mapping[str, str]) -> list[str]:
    """Run all that a document prints for the shell, in one shell, from first to last; otherwise as `run_tour`."""
    return _run("\n".join(re.findall(r"```sh\n(.*?)```", _text(document), re.DOTALL)), settings)


def run_part(
    document: str,
    name: str,
    settings: Mapping[str, str],
    folder: Path | None = None,
    account: Account | None = None,
) -> list[str]:
    """Run the block that a document marks with this name, as this account; otherwise as `run_tour`."""
    [script] = re.findall(rf"<!-- part {name}:.*?-->\n```sh\n(.*?)```", _text(document), re.DOTALL)
    return _run(script, settings, folder, account)


def part_settings(server: PrivatePostgres, url: str, **settings: Path | str) -> dict[str, str]:
    """The environment of an operator: PostgreSQL's programs and ours, and the database that they mean."""
    address = urlsplit(url)
    return {
        **{name: str(value) for name, value in settings.items()},
        "PATH": os.pathsep.join([str(server.program("psql").parent), str(Path(sys.executable).parent), PROGRAMS]),
        "PYTHONPATH": str(REPOSITORY),
        "PGHOST": str(address.hostname),
        "PGPORT": str(address.port),
        "PGUSER": str(address.username),
        "PGPASSWORD": str(address.password),
        "PGDATABASE": address.path.removeprefix("/"),
    }


def _text(document: str) -> str:
    return (REPOSITORY / document).read_text("utf-8")


def _run(
    script: str, settings: Mapping[str, str], folder: Path | None = None, account: Account | None = None
) -> list[str]:
    with subprocess.Popen(
        launched(["/bin/sh", "-euc", script], account=account),
        env={"PATH": PROGRAMS, **settings},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as shell:
        try:
            said, complaints = shell.communicate(timeout=TOUR_SECONDS)
        finally:
            with suppress(ProcessLookupError):  # what it has left in the background
                os.killpg(shell.pid, signal.SIGKILL)
    assert (0, "") == (shell.returncode, complaints), f"{complaints}\n{said}"
    return [line for line in said.splitlines() if line]
