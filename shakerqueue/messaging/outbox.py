"""The orders that wait to be published: requests put them in and wait, the publisher's thread takes them out packed.

It is also the breaker: while it is shut, whoever comes hears so at once and goes another way, and nobody waits for a
broker that does not answer. The session shuts it and opens it again, by what it hears of the broker.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable

MAX_WAITING_REQUESTS = 10_000
MAX_MESSAGE_ORDERS = 200
MAX_MESSAGE_BYTES = 128 * 1024  # what one request brings stays together and may be larger; RabbitMQ takes far more


class Obstacle(StrEnum):
    """Why an order was not confirmed."""

    NOT_CONNECTED = "not_connected"
    CONNECTION_LOST = "connection_lost"  # after it was published, maybe
    NO_CONFIRM = "no_confirm"  # not in time; it may be queued all the same
    BLOCKED = "blocked"  # an alarm: the broker reads nothing until it has memory and disk again
    REFUSED = "refused"  # nack: the queue is full, or could not write
    UNROUTABLE = "unroutable"  # returned: there is no such queue
    OUTBOX_FULL = "outbox_full"


class NotConfirmed(Unavailable):
    """The broker did not say that the order is safe. It may be queued all the same."""

    def __init__(self, obstacle: Obstacle, detail: str = "") -> None:
        super().__init__("broker", f"{obstacle}: {detail}" if detail else obstacle)
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class WaitingOrders:
    """The encoded orders of a request, and the one future that it waits on: they share a message and its confirm."""

    bodies: Sequence[bytes]
    confirmed: Future[None] = field(default_factory=Future)

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.bodies))

    def succeed(self) -> None:
        with suppress(InvalidStateError):  # its request has given up, or went another way
            self.confirmed.set_result(None)

    def fail(self, obstacle: Obstacle, detail: str = "") -> None:
        with suppress(InvalidStateError):
            self.confirmed.set_exception(NotConfirmed(obstacle, detail))

    def wait(self, deadline: Deadline) -> None:
        """Return once the broker has confirmed.

        Raises:
            NotConfirmed: it did not.
        """
        try:
            self.confirmed.result(deadline.remaining_seconds())
        except TimeoutError:
            self.confirmed.cancel()
            raise NotConfirmed(Obstacle.NO_CONFIRM) from None


class Outbox:
    """Shut at first. One session at a time opens it and is woken when something comes in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[WaitingOrders] = deque()
        self._wake: Callable[[], None] | None = None
        self._woken = False
        self._obstacle = Obstacle.NOT_CONNECTED

    @property
    def obstacle(self) -> Obstacle | None:
        """Why it is shut; None while it is open."""
        return self._obstacle if self._wake is None else None

    @property
    def waiting_requests(self) -> int:
        """How many requests wait for their orders to be taken out."""
        return len(self._waiting)

    def open(self, wake: Callable[[], None]) -> None:
        """Take orders in; `wake` is called, from their threads, when there is something to take."""
        with self._lock:
            self._wake = wake
            self._woken = False

    def shut(self, obstacle: Obstacle) -> None:
        """Take nothing in; whoever waits hears so at once."""
        with self._lock:
            self._wake = None
            self._obstacle = obstacle
            abandoned = list(self._waiting)
            self._waiting.clear()
        for waiting in abandoned:
            waiting.fail(obstacle)

    def put(self, waiting: WaitingOrders) -> None:
        """Add what a request brings.

        Raises:
            NotConfirmed: it is shut, or full.
        """
        with self._lock:
            if self._wake is None:
                raise NotConfirmed(self._obstacle)
            if len(self._waiting) >= MAX_WAITING_REQUESTS:
                raise NotConfirmed(Obstacle.OUTBOX_FULL)
            self._waiting.append(waiting)
            if self._woken:
                return  # the call that is on its way will take this one along
            self._woken = True
            self._wake()

    def take(self) -> list[WaitingOrders]:
        """What goes into the next message: as much as fits, without those whose request has given up."""
        taken: list[WaitingOrders] = []
        orders = size_bytes = 0
        with self._lock:
            self._woken = False
            while self._waiting:
                orders += len(self._waiting[0].bodies)
                size_bytes += self._waiting[0].size_bytes
                if taken and (orders > MAX_MESSAGE_ORDERS or size_bytes > MAX_MESSAGE_BYTES):
                    break
                waiting = self._waiting.popleft()
                if not waiting.confirmed.cancelled():
                    taken.append(waiting)
        return taken
