"""Waiting for what other threads and processes do: on a condition, with a deadline, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.01


def eventually(probe: Callable[[], T], deadline_seconds: float = 10.0, *, poll_seconds: float = POLL_SECONDS) -> T:
    """The probe's first true value. A probe that costs something is asked less often with `poll_seconds`.

    Raises:
        AssertionError: it stayed false for `deadline_seconds`; shows its last value.
    """
    give_up = time.monotonic() + deadline_seconds
    while not (value := probe()):
        assert time.monotonic() < give_up, f"still {value!r} after {deadline_seconds} s"
        time.sleep(poll_seconds)
    return value
