"""How often something happens over the evening: its rate now, and its course as a row of bars."""

from bisect import bisect_left
from collections.abc import Sequence

RATE_SECONDS = 10 * 60.0  # of the evening, over which the rate is taken
BUCKET_SECONDS = 5 * 60.0  # of the evening, for each bar
BARS = " ▁▂▃▄▅▆▇█"


class Pulse:
    """Counts what happens at which second of the evening; seconds come in order."""

    def __init__(self) -> None:
        self._moments: list[float] = []

    def __len__(self) -> int:
        return len(self._moments)

    def beat(self, seconds: float, times: int = 1) -> None:
        """It happened now, that many times."""
        self._moments.extend([seconds] * times)

    def per_minute(self, now: float) -> float:
        """How often a minute it happened lately."""
        window = min(RATE_SECONDS, now)
        lately = len(self._moments) - bisect_left(self._moments, now - window)
        return 60 * lately / window if window > 0 else 0.0

    def course(self, now: float) -> list[int]:
        """How often it happened in each five minutes from the opening until now."""
        counts = [0] * (int(now // BUCKET_SECONDS) + 1)
        for moment in self._moments:
            counts[min(int(moment // BUCKET_SECONDS), len(counts) - 1)] += 1
        return counts


def sparkline(counts: Sequence[int], width: int) -> str:
    """The last `width` counts as bars, the highest of them full."""
    shown = counts[-width:]
    highest = max(shown, default=0) or 1
    return "".join(BARS[round(count / highest * (len(BARS) - 1))] for count in shown)
