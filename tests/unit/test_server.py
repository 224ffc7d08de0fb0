"""What the server sees to before it serves."""

import os
from pathlib import Path

import pytest

from shakerqueue import server


@pytest.fixture(autouse=True)
def no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server.METRICS_FOLDER, "none")  # so that what the test sets is undone
    monkeypatch.delenv(server.METRICS_FOLDER)


def test_workers_share_a_folder_for_their_counters() -> None:
    server.share_metrics(workers=2)
    assert Path(os.environ[server.METRICS_FOLDER]).is_dir()


def test_a_folder_that_is_given_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(server.METRICS_FOLDER, str(tmp_path))
    server.share_metrics(workers=2)
    assert str(tmp_path) == os.environ[server.METRICS_FOLDER]


def test_where_there_is_no_room_each_counts_for_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The kernel would kill whoever touched a page for which the disk has no room."""
    monkeypatch.setenv(server.METRICS_FOLDER, str(tmp_path))
    assert server.has_room(tmp_path, 1000)
    assert not server.has_room(tmp_path, 2**60)
    server.share_metrics(workers=2**40)
    assert server.METRICS_FOLDER not in os.environ


def test_the_space_of_a_workers_files_is_reserved(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(server.METRICS_FOLDER, str(tmp_path))
    own, others = tmp_path / f"counter_{os.getpid()}.db", tmp_path / "counter_1.db"
    for path in (own, others):
        with path.open("wb") as file:
            file.truncate(server.METRICS_FILE_BYTES)
    server.reserve_metrics_files()
    assert own.stat().st_blocks * 512 >= server.METRICS_FILE_BYTES > others.stat().st_blocks * 512
