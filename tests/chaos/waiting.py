"""Waiting for a fact, and saying which one when it does not come about."""

from collections.abc import Callable
from typing import TypeVar

from tests.support.waiting import eventually

T = TypeVar("T")
EFFECT_SECONDS = 60.0
POLL_SECONDS = 0.05


def await_fact(
    what: str, probe: Callable[[], T], deadline_seconds: float = EFFECT_SECONDS, *, poll_seconds: float = POLL_SECONDS
) -> T:
    """The probe's first true value.

    Raises:
        AssertionError: it stayed false; says what was waited for.
    """
    try:
        return eventually(probe, deadline_seconds, poll_seconds=poll_seconds)
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from None
