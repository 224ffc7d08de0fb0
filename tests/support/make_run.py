"""`make run` as a command of a test: with a state of its own, ended with the test."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev import state

READY = "ShakerQueue runs at"


@contextmanager
def make_run(folder: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command, in a session of its own; ended if the test did not."""
    settings = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "HOST", "PORT")}
    with subprocess.Popen(
        [sys.executable, "-m", "dev.run"],
        cwd=state.CLONE,
        env={**settings, "SHAKERQUEUE_STATE_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], start: str) -> str:
    """All lines up to one that begins so."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith(start):
            return said
    raise AssertionError(f"ended without {start!r}:\n{said}")
