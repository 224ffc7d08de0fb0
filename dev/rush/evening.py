"""The evening as a plan: who orders what and when, and what goes wrong. Pure; the same seed plans the same evening."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from dev.rush.taste import Line, Taste
from dev.rush.waves import demand, wave_at

TABLES = 12
PATH_SHARES = (0.4, 0.35, 0.25)  # of the orders, as `Path` lists them
CANCELED = 0.04
RUSHED = 0.06  # of the till's orders
CANCEL_AFTER_SECONDS = (20.0, 240.0)
OFFLINE_AT = 0.62  # shares of the evening
OFFLINE_FOR = 0.025
BIG_ROUND_ORDERS = 12  # what the till takes while it is offline, beside the usual
SOLD_OUT_AT = 0.58
SOLD_OUT_FOR = 0.08
SOLD_OUT_RANK = 1  # the second favourite
PICTURE_AT = 0.652  # a drink is sold out, the till is back, the rush is near its height


class Path(StrEnum):
    """How an order reaches the product."""

    GUEST = "guest with an account"
    TABLE = "guest by a table's link"
    TILL = "till"


class Span(NamedTuple):
    """From when until when, in the evening's seconds."""

    begins: float
    ends: float

    def covers(self, seconds: float) -> bool:
        """Whether it is meanwhile."""
        return self.begins <= seconds < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOrder:
    """An order that somebody will place. Seconds are the evening's."""

    number: int
    at_seconds: float
    path: Path
    table: int
    lines: tuple[Line, ...]
    rush: bool = False
    cancel_after_seconds: float | None = None  # None: they wait for it

    def without(self, recipe: str, instead: str) -> "PlannedOrder":
        """The second choice of a guest who finds a drink sold out."""
        lines = tuple(line._replace(recipe=instead) if line.recipe == recipe else line for line in self.lines)
        return replace(self, lines=lines)

    def json(self, mark: str) -> dict[str, Any]:
        """The order as `POST /orders` takes it; `mark` is what it is known by afterwards."""
        rush = {"rush": True} if self.rush else {}
        items = [line.json() for line in self.lines]
        return {"items": items, "ticket": str(self.table), "external_id": mark, **rush}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evening:
    """All that will happen that nobody decides on the spot."""

    seconds: float
    orders: tuple[PlannedOrder, ...]  # by time
    favourites: tuple[str, ...]
    sold_out: str
    sold_out_span: Span
    till_offline: Span

    def second_choice(self, order: PlannedOrder) -> PlannedOrder:
        """The same order with the next best for what is sold out."""
        taken = {line.recipe for line in order.lines} | {self.sold_out}
        instead = next((name for name in self.favourites if name not in taken), self.favourites[-1])
        return order.without(self.sold_out, instead)


def plan_evening(menu: Sequence[str], *, seconds: float, guests_per_hour: float, seed: int) -> Evening:
    """An evening of that length; `guests_per_hour` come to order at its height."""
    random = Random(seed)  # noqa: S311 - chance in a simulation guards nothing
    taste = Taste(menu, random)
    offline = _span(OFFLINE_AT, OFFLINE_FOR, seconds)
    big_round = [(random.uniform(*offline), Path.TILL) for _ in range(BIG_ROUND_ORDERS)]
    usual = [(at, _path(random)) for at in _arrivals(seconds, guests_per_hour, random)]
    arrivals = sorted([*usual, *big_round], key=lambda arrival: arrival[0])
    orders = [_order(number, at, path, seconds, taste, random) for number, (at, path) in enumerate(arrivals)]
    return Evening(
        seconds=seconds,
        orders=tuple(orders),
        favourites=tuple(taste.favourites),
        sold_out=taste.favourites[min(SOLD_OUT_RANK, len(menu) - 1)],
        sold_out_span=_span(SOLD_OUT_AT, SOLD_OUT_FOR, seconds),
        till_offline=offline,
    )


def _arrivals(seconds: float, guests_per_hour: float, random: Random) -> Iterator[float]:
    """A Poisson process whose rate follows the waves, by thinning (Lewis and Shedler, 1979)."""
    at = random.expovariate(guests_per_hour / 3600)
    while at < seconds:
        if random.random() < demand(at / seconds):
            yield at
        at += random.expovariate(guests_per_hour / 3600)


def _path(random: Random) -> Path:
    return random.choices(list(Path), PATH_SHARES)[0]


def _order(number: int, at: float, path: Path, seconds: float, taste: Taste, random: Random) -> PlannedOrder:
    wave = wave_at(at / seconds)
    return PlannedOrder(
        number=number,
        at_seconds=at,
        path=path,
        table=random.randint(1, TABLES),
        lines=taste.lines(wave.special if wave else None),
        rush=path is Path.TILL and random.random() < RUSHED,
        cancel_after_seconds=random.uniform(*CANCEL_AFTER_SECONDS) if random.random() < CANCELED else None,
    )


def _span(begins: float, lasts: float, seconds: float) -> Span:
    return Span(begins * seconds, (begins + lasts) * seconds)
