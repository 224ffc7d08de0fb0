"""Installs the lock into the virtual environment whose Python runs this, with one line of progress.

It is the first thing to run on a new machine, so it imports nothing that has to be installed first.
"""

import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
LOCK = CLONE / "requirements-dev.txt"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install"]
TENTHS = 10
LAST_LINES = 15


def main() -> int:
    """Install the pinned packages, then this clone itself; exit code 1 when pip fails."""
    packages = sum("==" in line and not line.startswith((" ", "#")) for line in LOCK.read_text().splitlines())
    print(f"Installing {packages} pinned packages into .venv (about a minute) …", flush=True)
    locked = [*PIP, "--progress-bar", "off", "--require-hashes", "--requirement", str(LOCK)]
    this = [*PIP, "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(CLONE)]
    return 0 if run(locked, packages) and run(this, packages) else 1


def run(command: list[str], packages: int) -> bool:
    """Run pip and print how far it is; what it said last, if it fails."""
    lines: list[str] = []
    collected = 0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            lines.append(line)
            collected += line.startswith("Collecting ")
            if line.startswith("Collecting ") and collected % TENTHS == 0:
                print(f"  {collected} of {packages} downloaded", flush=True)
            if line.startswith("Installing collected"):
                print("  unpacking …", flush=True)
    if pip.returncode:
        print("".join(lines[-LAST_LINES:]), file=sys.stderr)
    return pip.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
