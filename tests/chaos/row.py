"""What a row of the table is: a fault, what shows that it took effect, and what must hold beyond the ledger."""

import math
import time
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, NamedTuple

from prometheus_client import Counter

from tests.chaos.attempts import Attempt, AttemptedOrder, Outcome
from tests.chaos.guests import DEMO_EMAILS, Guests, Manners, Principal, sign_in
from tests.chaos.house import House
from tests.chaos.waiting import EFFECT_SECONDS, await_fact


class Part(StrEnum):
    """Whose counters are meant."""

    API = "API"
    CONSUMER = "consumer"


class Size(NamedTuple):
    """How much of it: at least so many orders, and exactly so many faults, in so many portions."""

    orders: int
    faults: int
    slices: int = 1

    @property
    def slice(self) -> "Size":
        """One portion."""
        return Size(math.ceil(self.orders / self.slices), math.ceil(self.faults / self.slices))


@dataclass(frozen=True)
class Growing:
    """A counter of the product that must have grown in every slice: a witness."""

    text: str
    counter: Counter
    part: Part
    labels: dict[str, str] = field(default_factory=dict, hash=False)

    def read(self, house: House) -> int:
        counters = house.api_counters if self.part is Part.API else house.consumer_counters
        return counters.total(self.counter, **self.labels)


@dataclass
class Span:
    """A stretch of time on the monotonic clock, such as `both servers are down`."""

    began_at: float
    ended_at: float = math.inf

    def covers(self, attempt: Attempt) -> bool:
        """Whether the attempt began and ended within it."""
        return self.began_at <= attempt.began_at and attempt.ended_at <= self.ended_at


class Scene:
    """One slice while it is carried out: the house, the guests, and what was seen of the faults."""

    def __init__(
        self, house: House, size: Size, guests: Guests, tell: Callable[[str], None], earlier_faults: int = 0
    ) -> None:
        """`tell` is told how far it is; `earlier_faults` were injected in the slices before this one."""
        self.house = house
        self.size = size
        self.guests = guests
        self.tell = tell
        self.earlier_faults = earlier_faults
        self.witnessed: Tally[str] = Tally()
        self.problems: list[str] = []
        self.spans: defaultdict[str, list[Span]] = defaultdict(list)

    @property
    def orders(self) -> list[AttemptedOrder]:
        """All that was ordered in this slice so far."""
        return list(self.guests.orders)

    @property
    def attempts(self) -> list[Attempt]:
        """Every request of this slice so far."""
        return self.guests.attempts

    def saw(self, what: str, times: int = 1) -> None:
        """Note a fact that shows that a fault took effect."""
        self.witnessed[what] += times

    @contextmanager
    def span(self, name: str) -> Iterator[Span]:
        """Remember when something was so."""
        span = Span(time.monotonic())
        self.spans[name].append(span)
        try:
            yield span
        finally:
            span.ended_at = time.monotonic()

    def attempts_within(self, *spans: Span) -> list[Attempt]:
        """The requests that began and ended within one of these."""
        return [attempt for attempt in self.attempts if any(span.covers(attempt) for span in spans)]

    def await_orders(self, total: int) -> None:
        """Wait until the guests of this slice have had so many orders accepted or tried."""

        def placed() -> bool:
            if self.guests.error:
                raise self.guests.error
            return len(self.guests.orders) >= total

        await_fact(f"{total} orders are placed", placed, max(EFFECT_SECONDS, total))

    def await_growth(self, *witnesses: Growing, by: int = 1) -> None:
        """Wait until each of these counters has grown from what it is now."""
        wanted = {witness: witness.read(self.house) + by for witness in witnesses}
        self.await_totals(wanted)

    def await_totals(self, wanted: Mapping[Growing, int]) -> None:
        """Wait until each of these counters has come to its total."""
        names = " and ".join(witness.text for witness in wanted)

        def grown() -> bool:
            return all(witness.read(self.house) >= total for witness, total in wanted.items())

        await_fact(f"{names} grow", grown)


class Row:
    """One row. A subclass says how one fault is injected and healed; the rest has usual answers."""

    number: ClassVar[str]
    title: ClassVar[str]
    fault: ClassVar[str]  # how it is injected, as the report says it
    full: ClassVar[Size]
    small: ClassVar[Size] = Size(200, 2)  # for `make test`
    proxied: ClassVar[bool] = False
    manners: ClassVar[Manners] = Manners()
    growing: ClassVar[tuple[Growing, ...]] = ()
    amqp_options: ClassVar[str] = ""  # of AMQP_URL, such as ?heartbeat=5
    dead_letters: ClassVar[int] = 0
    settings: ClassVar[dict[str, str]] = {}  # of the product, beyond the usual

    def __init__(self, *, small: bool = False) -> None:
        self.is_small = small

    @property
    def size(self) -> Size:
        return self.small if self.is_small else self.full

    def carry_out(self, scene: Scene) -> None:
        """One slice: the faults spread evenly over the orders. Ends when both are done."""
        for number in range(scene.size.faults):
            scene.await_orders(round((number + 0.5) * scene.size.orders / scene.size.faults))
            scene.tell(f"fault {number + 1} of {scene.size.faults}, {len(scene.orders)} orders")
            before = scene.witnessed.total()
            self.inject(scene, scene.earlier_faults + number)
            if scene.witnessed.total() == before:
                scene.problems.append(f"fault {number + 1} left no trace")
        scene.await_orders(scene.size.orders)

    def inject(self, scene: Scene, number: int) -> None:
        """One fault, from the disturbance until all is well again; tells `scene.saw` what shows that it took effect.

        They are numbered from 0 through all slices.
        """
        raise NotImplementedError

    def check(self, scene: Scene) -> list[str]:
        """What does not hold beyond the ledger, once the house is drained."""
        return []

    def figures(self, scene: Scene) -> dict[str, str]:
        """What the report says beside the counts."""
        return {}

    def guests(self, house: House) -> Guests:
        """The load, not come in yet."""
        return Guests(house.api.url, self.principals(house), self.manners)

    def principals(self, house: House) -> list[Principal]:
        """Who orders. Signed in for each slice: a token lives a quarter of an hour."""
        return [sign_in(house.api.url, email) for email in DEMO_EMAILS]


def share_ok(attempts: list[Attempt]) -> float:
    """The part of the requests that were answered 2xx."""
    return sum(attempt.outcome is Outcome.OK for attempt in attempts) / len(attempts) if attempts else 1.0


def slowest_seconds(attempts: list[Attempt]) -> float:
    """How long the slowest request took."""
    return max((attempt.seconds for attempt in attempts), default=0.0)


def p99_seconds(attempts: list[Attempt]) -> float:
    """How long 99 of 100 requests took at most."""
    ordered = sorted(attempt.seconds for attempt in attempts)
    return ordered[math.ceil(0.99 * len(ordered)) - 1] if ordered else 0.0


def too_few_ok(attempts: list[Attempt], least: float) -> list[str]:
    """A problem when a smaller part than this of the requests was answered 2xx."""
    share = share_ok(attempts)
    return [] if share >= least else [f"{share:.1%} of {len(attempts)} requests were answered 2xx, not {least:.0%}"]


def too_slow(attempts: list[Attempt], most_seconds: float) -> list[str]:
    """A problem when a request took longer than this."""
    slowest = slowest_seconds(attempts)
    return [] if slowest <= most_seconds else [f"a request took {slowest:.2f} s, longer than {most_seconds:.2f} s"]
