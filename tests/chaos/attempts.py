"""What guests tried and were told. Outcomes are classed as Jepsen classes them."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import uuid4

MENU = ("Margarita", "Negroni", "Mojito", "Old Fashioned", "Espresso Martini")


class Outcome(StrEnum):
    """What an answer, or its absence, says about the order."""

    OK = "ok"  # 2xx: it must be there, once
    FAIL = "fail"  # a definite 4xx: it must not be there
    INFO = "info"  # a time-out, a reset, a 5xx: it may or may not be there


class Trouble(StrEnum):
    """Why there was no answer."""

    REFUSED = "refused"  # no connection came about: the request was never sent
    RESET = "reset"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request to place an order. Times are on the monotonic clock, in seconds."""

    began_at: float
    ended_at: float
    status: int | None = None  # None: no answer
    order_id: str | None = None
    retry_after: str | None = None
    trouble: Trouble | None = None

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at

    @property
    def outcome(self) -> Outcome:
        if self.status is not None and 200 <= self.status < 300 and self.order_id:
            return Outcome.OK
        if self.status is not None and 400 <= self.status < 500:
            return Outcome.FAIL
        return Outcome.INFO


@dataclass(slots=True, kw_only=True)
class AttemptedOrder:
    """One order as a guest wants it, with every attempt at it.

    `mark` goes into the order as its `external_id`, so that a stored row is known again whatever key it has.
    """

    principal_id: str
    key: str | None  # None: without Idempotency-Key, so it is tried once
    recipe: str
    drinks: int
    mark: str = field(default_factory=lambda: uuid4().hex)
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def body(self) -> dict[str, object]:
        """The JSON of the request, the same at each attempt."""
        return {"items": [{"recipe": self.recipe, "quantity": self.drinks}], "external_id": self.mark}

    @property
    def outcome(self) -> Outcome:
        """OK if any attempt was; FAIL if every one was; else unknown."""
        outcomes = {attempt.outcome for attempt in self.attempts}
        if Outcome.OK in outcomes:
            return Outcome.OK
        return Outcome.FAIL if outcomes == {Outcome.FAIL} else Outcome.INFO

    @property
    def told_ids(self) -> set[str]:
        """The ids that 2xx answers gave."""
        told = (attempt.order_id for attempt in self.attempts if attempt.outcome is Outcome.OK)
        return {order_id for order_id in told if order_id}


def keyed_order(principal_id: str, recipe: str, drinks: int) -> AttemptedOrder:
    """An order under a key of its own, not attempted yet."""
    return AttemptedOrder(principal_id=principal_id, key=f"chaos-{uuid4().hex}", recipe=recipe, drinks=drinks)


def published_order(principal_id: str, recipe: str) -> AttemptedOrder:
    """An order of one drink that counts as accepted, for the row itself stores or publishes it."""
    order = keyed_order(principal_id, recipe, drinks=1)
    order.attempts.append(Attempt(began_at=0.0, ended_at=0.0, status=202, order_id=str(uuid4())))
    return order
