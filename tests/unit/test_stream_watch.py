"""The one thread that looks for all streams of a process."""

import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from shakerqueue.api.stream_watch import HouseNews, StreamWatch


class Nothing:
    """Menu and bar, of which nothing was read yet."""

    loaded = False
    said = None


class Stream:
    """One that asks whether it is over by a function, and notes that it was woken."""

    def __init__(self, is_over: Any) -> None:
        self.is_over = is_over
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()


@pytest.fixture
def watch() -> Iterator[StreamWatch]:
    nothing = cast("Any", Nothing())
    watch = StreamWatch(HouseNews(nothing, nothing))
    watch.start()
    yield watch
    watch.stop()
    watch._thread.join(5)


def test_streams_come_and_go_while_one_is_slow_to_say_whether_it_is_over(watch: StreamWatch) -> None:
    """By an API key of which too little is known, the database is asked, and it may be away."""
    is_asked, answers, came = threading.Event(), threading.Event(), threading.Event()

    def is_over_slowly() -> bool:
        is_asked.set()
        return answers.wait(5)

    def come_and_go() -> None:
        with watch.watching(Stream(lambda: False)):
            came.set()

    with watch.watching(Stream(is_over_slowly)):
        assert is_asked.wait(5)
        visitor = threading.Thread(target=come_and_go)
        visitor.start()
        came_meanwhile = came.wait(2)
        answers.set()
        visitor.join(5)
    assert came_meanwhile


def test_it_goes_on_after_what_nobody_foresaw(watch: StreamWatch) -> None:
    failed = threading.Event()

    def is_over() -> bool:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("nobody foresaw it")
        return True

    stream = Stream(is_over)
    with watch.watching(stream):
        assert failed.wait(5)
        assert stream.woken.wait(5)
