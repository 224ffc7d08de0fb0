"""Trying again: with longer and longer pauses, as long as the bar asks for, and not for ever."""

import math
import time
from collections.abc import Callable
from random import uniform
from typing import TypeVar

from .bar import NoAnswer

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

T = TypeVar("T")


class Patience:
    """How long to go on trying; the pauses double. They vary, so that tills which failed together do not return so."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._give_up_at = time.monotonic() + seconds
        self._pause_seconds = FIRST_PAUSE_SECONDS

    def wait(self, at_least_seconds: float) -> bool:
        """Pause before another attempt. False, at once, if there is no time left for one."""
        pause_seconds = max(self._pause_seconds * uniform(0.5, 1.0), at_least_seconds)  # noqa: S311 - guards nothing
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        if time.monotonic() + pause_seconds > self._give_up_at:
            return False
        time.sleep(pause_seconds)
        return True


def insist(attempt: Callable[[], T], patience: Patience) -> T:
    """What the attempt returns, made again until there is an answer.

    Raises:
        NoAnswer: patience is at its end.
    """
    while True:
        try:
            return attempt()
        except NoAnswer as error:
            if not patience.wait(error.retry_after_seconds):
                raise
