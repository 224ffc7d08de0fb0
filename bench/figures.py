"""Many measurements as a few figures, and the units that they are shown in."""

from statistics import median, quantiles
from typing import NamedTuple

import msgspec

MILLISECONDS_PER_SECOND = 1_000
MICROSECONDS_PER_SECOND = 1_000_000
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Spread(msgspec.Struct, frozen=True):
    """One figure over several rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))

    @property
    def told(self) -> str:
        """In whole numbers, such as ``4,500 (4,000 to 5,000)``."""
        return f"{self.median:,.0f} ({self.lowest:,.0f} to {self.highest:,.0f})"


class Times(NamedTuple):
    """What many things took, in milliseconds."""

    p50: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        """Of at least two."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        p50, p99, longest = (MILLISECONDS_PER_SECOND * value for value in (cuts[49], cuts[98], max(seconds)))
        return cls(p50, p99, longest)
