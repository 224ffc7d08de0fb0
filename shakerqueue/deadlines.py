"""One deadline per piece of work, passed down, so that no wait outlives what it was for."""

from dataclasses import dataclass
from time import monotonic
from typing import Self


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock, in seconds."""

    at_seconds: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(monotonic() + seconds)

    def remaining_seconds(self, at_most: float = float("inf")) -> float:
        """What is left, never below zero and never above `at_most`."""
        return max(0.0, min(self.at_seconds - monotonic(), at_most))

    def sooner(self, seconds: float) -> "Deadline":
        """This deadline, or the one in `seconds` from now if that comes first."""
        return Deadline(min(self.at_seconds, monotonic() + seconds))

    @property
    def passed(self) -> bool:
        return monotonic() >= self.at_seconds
