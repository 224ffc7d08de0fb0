"""The folder in which the workers keep their metrics."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shakerqueue.telemetry import shared_files
from shakerqueue.telemetry.metrics import FILE_BYTES


@pytest.fixture(autouse=True)
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shared_files.FOLDER, "none")  # so that what the test sets is undone
    monkeypatch.delenv(shared_files.FOLDER)


def test_workers_share_a_folder_for_their_counters() -> None:
    shared_files.share(processes=2)
    assert Path(os.environ[shared_files.FOLDER]).is_dir()


def test_a_folder_that_is_chosen_is_taken(tmp_path: Path) -> None:
    shared_files.share(processes=2, chosen=tmp_path)
    assert str(tmp_path) == os.environ[shared_files.FOLDER]


def test_where_there_is_no_room_each_counts_for_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The kernel would kill whoever touched a page for which the disk has no room."""
    monkeypatch.setenv(shared_files.FOLDER, str(tmp_path))
    shared_files.check_room(tmp_path, 1000)
    with pytest.raises(OSError, match="too large"):
        shared_files.check_room(tmp_path, 2**60)
    shared_files.share(processes=2**40)
    assert shared_files.FOLDER not in os.environ


def test_without_the_chosen_folder_each_counts_for_itself(tmp_path: Path) -> None:
    shared_files.share(processes=1, chosen=tmp_path / "nowhere")
    assert shared_files.FOLDER not in os.environ


def test_the_space_of_a_workers_files_is_reserved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(shared_files.FOLDER, str(tmp_path))
    own, others = tmp_path / f"counter_{os.getpid()}.db", tmp_path / "counter_1.db"
    for path in (own, others):
        with path.open("wb") as file:
            file.truncate(FILE_BYTES)
    shared_files.reserve()
    assert own.stat().st_blocks * 512 >= FILE_BYTES > others.stat().st_blocks * 512


ACCEPTED, STREAMS = "shakerqueue_orders_accepted_total", "shakerqueue_streams_open"
CONFIRMING = "shakerqueue_confirm_duration_seconds_sum"
USE = """
import sys
from shakerqueue.telemetry.metrics import *
ORDERS_ACCEPTED.labels("broker").inc(2)
STREAMS_OPEN.inc(3)
CONFIRM_DURATION.observe(0.3)
print("used", flush=True)
sys.stdin.read()
"""


@contextmanager
def process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with metrics in the folder."""
    environment = {**os.environ, shared_files.FOLDER: str(folder)}
    with subprocess.Popen(
        [sys.executable, "-c", USE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout
        assert b"used\n" == process.stdout.readline()
        yield process
        process.kill()


def values(folder: Path) -> dict[str, float]:
    """The metrics that a process used, as they are told."""
    shared_files.forget_ended(folder)
    samples = [sample for metric in shared_files.read(folder) for sample in metric.samples]
    wanted = (ACCEPTED, CONFIRMING, STREAMS)
    return {sample.name: round(sample.value, 3) for sample in samples if sample.name in wanted and sample.value}


def test_processes_are_added_up_and_the_gauges_of_those_that_ended_go(tmp_path: Path) -> None:
    with process(tmp_path):
        with process(tmp_path):
            both = values(tmp_path)
        one = values(tmp_path)
    counts = {ACCEPTED: 4.0, CONFIRMING: 0.6}
    assert {**counts, STREAMS: 6.0} == both
    assert {**counts, STREAMS: 3.0} == one
    assert counts == values(tmp_path)


def test_a_file_begins_with_room_for_all(tmp_path: Path) -> None:
    """One that grew would lose the space that was reserved for it."""
    with process(tmp_path):
        assert {FILE_BYTES} == {path.stat().st_size for path in tmp_path.glob("*.db")}


def test_workers_that_die_again_and_again_leave_as_many_files_as_one(tmp_path: Path) -> None:
    for died in range(1, 4):
        with process(tmp_path):
            pass
        assert {ACCEPTED: died * 2.0, CONFIRMING: round(died * 0.3, 3)} == values(tmp_path)
    assert ["counter_ended.db", "histogram_ended.db"] == sorted(path.name for path in tmp_path.glob("*.db"))


def test_where_there_is_no_room_to_keep_counts_they_stay_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shared_files, "FILE_BYTES", 2**60)
    with process(tmp_path):
        pass
    assert {ACCEPTED: 2.0, CONFIRMING: 0.3} == values(tmp_path)


def test_the_empty_file_of_a_process_that_has_just_begun_is_passed_over(tmp_path: Path) -> None:
    with process(tmp_path):
        (tmp_path / f"counter_{os.getpid()}.db").touch()
        assert 2.0 == values(tmp_path)[ACCEPTED]


def test_what_processes_of_an_earlier_run_left_is_no_gauge_of_this_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with process(tmp_path):
        pass
    monkeypatch.setenv(shared_files.FOLDER, str(tmp_path))
    shared_files.share(processes=1)
    assert [] == list(tmp_path.glob("gauge_*"))
