"""When a message that was not delivered is sent again."""

from random import uniform

# After the first failure, the second, …: three days in all. Then it is given up.
DELAYS_SECONDS = (5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
JITTER = 0.1  # of the delay, either way: what failed together does not return together


def delay_seconds(failures: int, retry_after_seconds: float | None) -> float | None:
    """How long to wait after so many failures, one or more; None: no longer. The receiver may ask for more time."""
    if failures > len(DELAYS_SECONDS):
        return None
    delay = DELAYS_SECONDS[failures - 1] * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    return max(delay, retry_after_seconds or 0.0)
