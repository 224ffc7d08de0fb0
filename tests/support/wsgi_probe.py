"""A small WSGI application that shows what the server does: who answered, slow answers and endless streams."""

import gc
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from shakerqueue import shutdown

SLOW_SECONDS = 1.5
_inside = 0  # slow requests in this process; one thread too many or too few does not matter here


def create_app() -> Callable[..., Iterable[bytes]]:
    return application


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/stream":
        return ticks()
    if environ["PATH_INFO"] == "/silent-stream":
        return silence()
    if environ["PATH_INFO"] == "/inside":
        return [str(_inside).encode()]
    if environ["PATH_INFO"] == "/frozen":
        return [str(gc.get_freeze_count()).encode()]
    if environ["PATH_INFO"] == "/slow":
        be_slow()
    return [str(os.getpid()).encode()]


def be_slow() -> None:
    global _inside  # noqa: PLW0603 - what one process counts is what the test wants to know
    _inside += 1
    time.sleep(SLOW_SECONDS)
    _inside -= 1


def ticks() -> Iterator[bytes]:
    while True:
        yield b"tick\n"
        time.sleep(0.05)


def silence() -> Iterator[bytes]:
    """Something to begin with, and then nothing until the server ends."""
    yield b"tick\n"
    shutdown.requested.wait()
