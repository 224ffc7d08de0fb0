"""A small WSGI application that shows what the server does: who answered, slow answers and endless streams."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

SLOW_SECONDS = 1.5


def create_app() -> Callable[..., Iterable[bytes]]:
    return application


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/stream":
        return ticks()
    if environ["PATH_INFO"] == "/slow":
        time.sleep(SLOW_SECONDS)
    return [str(os.getpid()).encode()]


def ticks() -> Iterator[bytes]:
    while True:
        yield b"tick\n"
        time.sleep(0.05)
