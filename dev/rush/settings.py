"""What whoever runs the night may choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EVENING_MINUTES = 6 * 60
REAL_MINUTES = 4.0
GUESTS_PER_HOUR = 140
BARTENDERS = 4
SEED = 1
MAX_SPEED = 3600.0
MAX_REAL_MINUTES = 12 * 60.0
MAX_GUESTS = 2000
MAX_BARTENDERS = 8
MAX_SEED = 2**31


class SettingError(ValueError):
    """A setting is not as it must be; the text names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`evening_seconds` are those of the bar's clock, which goes `speed` times as fast as ours."""

    speed: float = EVENING_MINUTES / REAL_MINUTES
    evening_seconds: float = EVENING_MINUTES * 60.0
    guests_per_hour: int = GUESTS_PER_HOUR
    bartenders: int = BARTENDERS
    seed: int = SEED
    base_url: str | None = None
    picture: Path | None = None


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment names.

    Raises:
        SettingError: one of them is no number, or out of bounds.
    """
    speed, minutes = _pace(environment)
    picture = environment.get("PICTURE")
    return Settings(
        speed=speed,
        evening_seconds=60 * speed * minutes,
        guests_per_hour=int(_number(environment, "GUESTS", 1, MAX_GUESTS) or GUESTS_PER_HOUR),
        bartenders=int(_number(environment, "BARTENDERS", 1, MAX_BARTENDERS) or BARTENDERS),
        seed=int(_number(environment, "SEED", 1, MAX_SEED) or SEED),
        base_url=(environment.get("BASE") or "").rstrip("/") or None,
        picture=Path(picture) if picture else None,
    )


def _pace(environment: Mapping[str, str]) -> tuple[float, float]:
    """Speed and real minutes. One of them alone makes a whole evening; both say how much of one."""
    speed = _number(environment, "SPEED", 1, MAX_SPEED)
    minutes = _number(environment, "MINUTES", 0.1, MAX_REAL_MINUTES)
    if speed is None:
        minutes = minutes or REAL_MINUTES
        return EVENING_MINUTES / minutes, minutes
    return speed, minutes or EVENING_MINUTES / speed


def _number(environment: Mapping[str, str], name: str, lowest: float, highest: float) -> float | None:
    text = environment.get(name)
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not lowest <= number <= highest:
        raise SettingError(f"{name}={text} is not a number from {lowest:g} to {highest:g}")
    return number
