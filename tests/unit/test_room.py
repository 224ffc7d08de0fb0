"""The room that the tests of several processes share: a lock of each opening of its files, so threads show it too."""

import fcntl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.room import room
from tests.support.waiting import eventually


@pytest.fixture
def others() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as others:
        yield others


def enter(folder: Path, log: list[str], name: str, *, alone: bool) -> None:
    with room(folder, alone=alone):
        log.append(name)


def waits(folder: Path, entered: Future[None]) -> bool:
    """Whether somebody stands in the door and has not come in."""
    with (folder / "room.door").open("a") as door:
        return is_locked(door.fileno()) and not entered.done()


def is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def test_many_are_in_it_beside_each_other(tmp_path: Path, others: ThreadPoolExecutor) -> None:
    with room(tmp_path, alone=False):
        log: list[str] = []
        others.submit(enter, tmp_path, log, "beside", alone=False).result(10)
        assert ["beside"] == log


def test_who_is_alone_keeps_others_out(tmp_path: Path, others: ThreadPoolExecutor) -> None:
    log: list[str] = []
    with room(tmp_path, alone=True):
        entered = others.submit(enter, tmp_path, log, "beside", alone=False)
        eventually(lambda: waits(tmp_path, entered))
        assert [] == log
    entered.result(10)


def test_who_waits_to_be_alone_comes_before_newcomers(tmp_path: Path, others: ThreadPoolExecutor) -> None:
    log: list[str] = []
    with room(tmp_path, alone=False):
        first = others.submit(enter, tmp_path, log, "alone", alone=True)
        eventually(lambda: waits(tmp_path, first))
        second = others.submit(enter, tmp_path, log, "newcomer", alone=False)
    first.result(10)
    second.result(10)
    assert ["alone", "newcomer"] == log
