"""A process answers so many requests at a time, and the others in the order in which they came."""

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from shakerqueue.request_places import RequestPlaces
from tests.support.waiting import eventually

PLACES = 2


def start_response(*_: object) -> Any:
    """Nobody is there to be answered."""


class Application:
    """Keeps each request until it is let go."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._goes: dict[str, threading.Event] = {}

    def __call__(self, environ: dict[str, Any], _: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.begun.append(path)
        assert self._go(path).wait(10)
        if path == "/broken":
            raise KeyError(path)
        return iter([b"an answer"])

    def let_go(self, path: str) -> None:
        self._go(path).set()

    def _go(self, path: str) -> threading.Event:
        return self._goes.setdefault(path, threading.Event())


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_whoever_comes_waits_for_a_place_and_nobody_passes_them(threads: ThreadPoolExecutor) -> None:
    application = Application()
    places = RequestPlaces(application, PLACES)
    paths, answers = [f"/{number}" for number in range(5)], []
    for count, path in enumerate(paths, start=1):
        answers.append(threads.submit(places, {"PATH_INFO": path}, start_response))
        eventually(partial(have_come, count, application, places))
    for number, path in enumerate(paths):
        eventually(partial(have_begun, paths[: number + PLACES], application))
        application.let_go(path)
    assert [[b"an answer"]] * len(paths) == [list(answer.result(10)) for answer in answers]
    assert PLACES == places._left


def have_come(count: int, application: Application, places: RequestPlaces) -> bool:
    return count == len(application.begun) + len(places._waiting)


def have_begun(paths: list[str], application: Application) -> bool:
    return paths == application.begun


def test_a_request_that_fails_gives_its_place_back(threads: ThreadPoolExecutor) -> None:
    application = Application()
    places = RequestPlaces(application, 1)
    application.let_go("/broken")
    for _ in range(2):
        with pytest.raises(KeyError):
            threads.submit(places, {"PATH_INFO": "/broken"}, start_response).result(10)
    assert 1 == places._left


def test_an_answer_that_goes_on_holds_no_place() -> None:
    """A stream is read by the server when the application has returned."""
    application = Application()
    places = RequestPlaces(application, 1)
    application.let_go("/stream")
    streams = [places({"PATH_INFO": "/stream"}, start_response) for _ in range(3)]
    assert [[b"an answer"]] * 3 == [list(stream) for stream in streams]
