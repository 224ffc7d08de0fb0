"""What the actors did and were told: orders by path, drinks, answers. The evening's throughput is counted here."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from dev.rush.clock import EveningClock
from dev.rush.pulse import Pulse

REMEMBERED_HAPPENINGS = 40
BATCH = "batch of the till"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredOrder:
    """An order that was answered 2xx; `mark` is its `external_id`."""

    id: str
    mark: str
    path: str
    table: int
    recipes: tuple[str, ...]  # of its drinks, by number


class Happening(NamedTuple):
    """Something worth a line: when, by the evening's seconds, of which kind, and in words."""

    seconds: float
    kind: str
    text: str


@dataclass(slots=True)
class Tally:
    """One night's counts."""

    clock: EveningClock
    mark: str  # how every order of this night is marked, so that it is found again
    orders: dict[str, AnsweredOrder] = field(default_factory=dict)
    placed: Pulse = field(default_factory=Pulse)
    made: Pulse = field(default_factory=Pulse)
    requests: int = 0
    repeated: int = 0  # answered 429 or 503, or not at all, and sent again
    turned_away: int = 0  # guests whose drinks were sold out, or the bar paused
    given_up: int = 0  # orders whose outcome nobody could learn
    unexpected: Counter[str] = field(default_factory=Counter)
    wait_seconds: list[float] = field(default_factory=list)  # of drinks, from the order to the start, ours
    longest_queue: int = 0
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=REMEMBERED_HAPPENINGS))

    def mark_of(self, number: int, choice: int = 1) -> str:
        """What a planned order is known by; a guest's second choice is an order of its own."""
        return f"{self.mark}-{number}" if choice == 1 else f"{self.mark}-{number}-{choice}"

    def answered(self, order: AnsweredOrder) -> None:
        """An order was accepted."""
        self.orders[order.id] = order
        self.placed.beat(self.clock.seconds)

    def started(self, drink: dict[str, Any]) -> None:
        """A drink, as the product tells of it, is in hand: how long its guest has waited, by the evening's clock."""
        if drink["order_id"] in self.orders:
            waited = datetime.fromisoformat(drink["started_at"]) - datetime.fromisoformat(drink["placed_at"])
            self.wait_seconds.append(waited.total_seconds() * self.clock.speed)

    def say(self, kind: str, text: str) -> None:
        """Something happened that the display should tell."""
        self.happenings.append(Happening(self.clock.seconds, kind, text))
