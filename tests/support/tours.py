"""Tours: scripts that the documents print, run as they are printed."""

import re
import subprocess
from pathlib import Path

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"


def run_tour(document: str, client: httpx.Client, folder: Path | None = None) -> list[str]:
    """Run a document's tour against an API, in a folder of its own where it makes files; what it prints, by line.

    Raises:
        CalledProcessError: a command of it failed.
    """
    ran = subprocess.run(
        ["sh", "-euc", _tour(document)],
        env={"PATH": PROGRAMS, "BASE": str(client.base_url)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert "" == ran.stderr
    return [line for line in ran.stdout.splitlines() if line]


def _tour(document: str) -> str:
    text = (REPOSITORY / document).read_text("utf-8")
    [script] = re.findall(r"<!-- tour:.*?-->\n```sh\n(.*?)```", text, re.DOTALL)
    return str(script)
