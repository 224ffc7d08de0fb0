"""A failpoint fires once for each file, in whoever passes first, and never where it was not asked for."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shakerqueue import failpoints
from shakerqueue.failpoints import Failpoint, InjectedFailure


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    failpoints.enable(tmp_path)
    yield tmp_path
    failpoints.enable(None)


def test_an_armed_point_fires_once(folder: Path) -> None:
    (folder / Failpoint.COMMIT).write_text("error")

    failpoints.passes(Failpoint.ACK)
    with pytest.raises(InjectedFailure):
        failpoints.passes(Failpoint.COMMIT)
    failpoints.passes(Failpoint.COMMIT)

    assert [] == list(folder.iterdir())


def test_of_many_that_pass_at_once_one_fails(folder: Path) -> None:
    (folder / Failpoint.INSERT).write_text("error")
    with ThreadPoolExecutor(8) as threads:
        passing = [threads.submit(failpoints.passes, Failpoint.INSERT) for _ in range(200)]
    assert 1 == sum(isinstance(one.exception(), InjectedFailure) for one in passing)


def test_nothing_is_looked_for_where_it_was_not_asked_for(folder: Path) -> None:
    (folder / Failpoint.REPLY).write_text("error")
    failpoints.enable(None)
    failpoints.passes(Failpoint.REPLY)
    assert (folder / Failpoint.REPLY).exists()


def test_a_file_that_says_something_else_is_an_error(folder: Path) -> None:
    (folder / Failpoint.REPLY).write_text("explode")
    with pytest.raises(ValueError, match="not 'explode'"):
        failpoints.passes(Failpoint.REPLY)


@pytest.mark.parametrize(
    ("armed", "passing"),
    [
        ("before_confirm", "passes(failpoints.Failpoint.CONFIRM)"),
        ("poison.7", "carries(['5', '7'])"),
    ],
)
def test_kill_ends_the_process_at_that_point(tmp_path: Path, armed: str, passing: str) -> None:
    (tmp_path / armed).write_text("kill")
    program = (
        "import pathlib, sys; from shakerqueue import failpoints;"
        "failpoints.enable(pathlib.Path(sys.argv[1])); failpoints.carries(['5']);"
        f"failpoints.{passing}; print('alive')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, check=False, env=dict(os.environ)
    )
    assert (-signal.SIGKILL, b"") == (ended.returncode, ended.stdout)
