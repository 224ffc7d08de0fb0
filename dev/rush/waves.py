"""How a Friday goes: the crowds that come, and when."""

from math import exp
from typing import NamedTuple


class Wave(NamedTuple):
    """A crowd. `peak` and `spread` are shares of the evening, `height` a share of the most that ever come at once."""

    name: str
    peak: float
    spread: float
    height: float
    special: str | None = None  # what is two for one meanwhile


WAVES = (
    Wave("happy hour", peak=0.17, spread=0.05, height=0.7, special="Aperol Spritz"),
    Wave("before dinner", peak=0.36, spread=0.06, height=0.4),
    Wave("the rush", peak=0.66, spread=0.08, height=1.0),
    Wave("the last round", peak=0.89, spread=0.03, height=0.55),
)
CALM = "a calm while"
CLEARING = "clearing up"
TRICKLE = 0.08  # who comes at any time
LAST_ORDERS = 0.95  # share of the evening after which nobody orders
NOTICEABLE = 0.2


def demand(share: float) -> float:
    """How many come at this share of the evening, 0 to 1 of the most that ever do."""
    if not 0 <= share < LAST_ORDERS:
        return 0.0
    return min(1.0, TRICKLE + sum(_crowd(wave, share) for wave in WAVES))


def wave_at(share: float) -> Wave | None:
    """The largest crowd at this share of the evening, or None between the waves."""
    largest = max(WAVES, key=lambda wave: _crowd(wave, share))
    return largest if share < LAST_ORDERS and _crowd(largest, share) >= NOTICEABLE else None


def name_at(share: float) -> str:
    """What one would call this part of the evening."""
    wave = wave_at(share)
    if wave is None:
        return CALM if share < LAST_ORDERS else CLEARING
    return wave.name


def _crowd(wave: Wave, share: float) -> float:
    return wave.height * exp(-(((share - wave.peak) / wave.spread) ** 2) / 2)
