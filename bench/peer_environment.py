"""The virtual environment of the peers and of matplotlib: their packages stay out of the one of the product."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from dev.install import run
from dev.servers import ServerError
from dev.state import CLONE

LOCK = CLONE / "requirements-bench.txt"
FOLDER = CLONE / ".local" / "bench-venv"
PYTHON = FOLDER / "bin" / "python"
STAMP = FOLDER / "installed"
VERSIONS = """
import importlib.metadata, json
print(json.dumps({found.metadata["Name"].lower(): found.version for found in importlib.metadata.distributions()}))
"""


def ensure_installed() -> Path:
    """The Python that has the peers' packages, as the lock pins them. Made at the first run, or when the lock changed.

    Raises:
        ServerError: a package could not be installed; pip has said why.
    """
    if STAMP.exists() and STAMP.read_text() == _wanted():
        return PYTHON
    packages = sum("==" in line and not line.startswith((" ", "#")) for line in LOCK.read_text().splitlines())
    print(f"Installing {packages} pinned packages for peers and charts (about a minute) …", flush=True)
    FOLDER.parent.mkdir(mode=0o700, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", FOLDER], check=True)
    if not run(_install_command(), packages):
        raise ServerError(f"the peers' packages could not be installed into {FOLDER}")
    STAMP.write_text(_wanted())
    return PYTHON


def _wanted() -> str:
    """What the environment is made from: this Python and this lock."""
    return f"{sys.version} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"


def _install_command() -> list[str]:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off"]
    return [*pip, "--require-hashes", "--requirement", str(LOCK)]


def versions() -> dict[str, str]:
    """The packages of the peers' environment, by name in lower case."""
    answer = subprocess.run([PYTHON, "-c", VERSIONS], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(answer.stdout)
    return found
