"""The bar's clock: the evening's time, which goes faster than ours, and everybody's pauses by it."""

import asyncio
import time

OPENS_AT_HOUR = 18


class BarClosed(Exception):
    """The night is over, so nobody goes on with what they paused for."""


class EveningClock:
    """Seconds since the bar opened, `speed` of them in each of ours. Setting `closed` ends every pause."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.closed = asyncio.Event()
        self._opened_at = time.monotonic()

    def open(self) -> None:
        """Begin the evening now."""
        self._opened_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long the bar has been open, by its own clock."""
        return (time.monotonic() - self._opened_at) * self.speed

    async def until(self, seconds: float) -> None:
        """Pause until the evening is that old.

        Raises:
            BarClosed: it closed before.
        """
        await self.rest((seconds - self.seconds) / self.speed)

    async def spend(self, seconds: float) -> None:
        """Pause for some of the evening's seconds. Raises as `until`."""
        await self.rest(seconds / self.speed)

    async def rest(self, real_seconds: float) -> None:
        """Pause for some of our seconds. Raises as `until`."""
        try:
            await asyncio.wait_for(self.closed.wait(), max(0.0, real_seconds))
        except TimeoutError:
            return
        raise BarClosed


def time_of_day(seconds: float) -> str:
    """What a clock on the bar's wall shows."""
    minutes = OPENS_AT_HOUR * 60 + int(seconds // 60)
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
