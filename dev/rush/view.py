"""What the display shows at one moment: plain values, whoever found them out."""

from dataclasses import dataclass
from typing import NamedTuple


class RecipeQueue(NamedTuple):
    """How many drinks of a recipe wait, and how many are in hand."""

    recipe: str
    waiting: int
    in_hand: int


class Maker(NamedTuple):
    """A bartender, and what the product says they make; `progress` is 0 to 1 of the time that it takes as a rule."""

    name: str
    recipe: str | None = None
    drinks: int = 0
    progress: float = 0.0


class Part(NamedTuple):
    """A part of the product, and what it says of itself."""

    name: str
    state: str

    @property
    def ok(self) -> bool:
        return self.state == "ok"


class Line(NamedTuple):
    """Something that happened: the bar's time, its kind, in words."""

    clock: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All times and rates are the evening's, but for `requests_per_second`."""

    clock: str
    progress: float  # of the evening, 0 to 1
    speed: float
    wave: str
    orders: int
    orders_per_minute: float
    orders_course: tuple[int, ...]
    drinks: int
    drinks_per_minute: float
    drinks_course: tuple[int, ...]
    waiting: int
    in_hand: int
    late: int
    oldest_seconds: float
    wait_p50_seconds: float | None
    wait_p90_seconds: float | None
    queue: tuple[RecipeQueue, ...]  # the longest first
    sold_out: tuple[str, ...]
    makers: tuple[Maker, ...]
    happenings: tuple[Line, ...]  # the latest first
    parts: tuple[Part, ...]
    requests_per_second: float
    repeated: int
    unexpected: int
