"""The estimate, held against a simulated evening."""

import heapq
import random
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest

from shakerqueue.estimates import ready_at

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PREP_SECONDS = (45, 60, 60, 75, 75, 100)


def test_work_is_shared_by_the_bartenders_who_are_there() -> None:
    assert NOON + timedelta(seconds=300) == ready_at(NOON, 900, 3)


def test_nobody_at_work_counts_as_one_who_will_come() -> None:
    assert NOON + timedelta(seconds=90) == ready_at(NOON, 90, 0)


def simulate(bartenders: int, guests_per_hour: float, hours: float, seed: int) -> list[tuple[float, float]]:
    """One evening, drink by drink in the order placed; answers (promised wait, real wait) of each, in seconds.

    A preparation takes as long as its recipe says, give or take a third.
    """
    chance = random.Random(seed)
    free_at = [0.0] * bartenders
    planned: list[tuple[float, float]] = []  # (end as it will be, preparation that the recipe claims)
    outcome = []
    now = 0.0
    while now < hours * 3600:
        now += chance.expovariate(guests_per_hour / 3600)
        prep = chance.choice(PREP_SECONDS)
        work = sum(min(claimed, max(0.0, end - now)) for end, claimed in planned) + prep
        busy = min(bartenders, sum(1 for end, _ in planned if end > now) + 1)
        promised = (ready_at(NOON, work, busy) - NOON).total_seconds()
        end = max(now, heapq.heappop(free_at)) + prep * chance.uniform(2 / 3, 4 / 3)
        heapq.heappush(free_at, end)
        planned = [*((e, c) for e, c in planned if e > now), (end, prep)]
        outcome.append((promised, end - now))
    return outcome


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("bartenders", "guests_per_hour"), [(1, 40), (2, 80), (4, 180)], ids=["calm", "usual", "rush"])
def test_an_evening_keeps_what_was_promised(bartenders: int, guests_per_hour: float, seed: int) -> None:
    """Half of all drinks are ready within a minute of what was promised, and promises are not rosy on the whole."""
    waits = simulate(bartenders, guests_per_hour, hours=5, seed=seed)

    assert len(waits) > 100
    assert median(abs(real - promised) for promised, real in waits) < 60
    assert abs(median(real - promised for promised, real in waits)) < 45
