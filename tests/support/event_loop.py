"""Tests of what runs in an event loop, each in a loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from time import monotonic
from typing import ParamSpec

P = ParamSpec("P")


def in_event_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Let pytest call an async test."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


async def comes_true(probe: Callable[[], object], deadline_seconds: float = 10.0) -> None:
    """Let the loop run until the probe is true: `eventually` for what happens in the same loop.

    Raises:
        AssertionError: it stayed false.
    """
    give_up = monotonic() + deadline_seconds
    while not probe():
        assert monotonic() < give_up, f"still false after {deadline_seconds} s"
        await asyncio.sleep(0.005)
