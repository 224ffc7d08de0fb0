"""The orders that wait to be published: requests put them in and wait, the publisher's thread takes them out packed.

It is also the breaker: while it is shut, whoever comes hears so at once and goes another way, and nobody waits for a
broker that does not answer. The session shuts it and opens it again, by what it hears of the broker.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
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


class WaitingOrders:
    """The encoded orders of a request, which waits until it is told what became of them: they share a message.

    The publisher's thread settles them, once. The request waits on a bare lock: under a Future it would wait for
    Python's own lock three times as often, and with it each other request of the process.
    """

    __slots__ = ("_failure", "_is_settled", "_unsettled", "bodies", "given_up")

    def __init__(self, bodies: Sequence[bytes]) -> None:
        self.bodies = bodies
        self.given_up = False  # the request waits no more
        self._failure: NotConfirmed | None = None
        self._is_settled = False
        self._unsettled = threading.Lock()
        self._unsettled.acquire()

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.bodies))

    def succeed(self) -> None:
        self._settle(None)

    def fail(self, obstacle: Obstacle, detail: str = "") -> None:
        self._settle(NotConfirmed(obstacle, detail))

    def wait(self, deadline: Deadline) -> None:
        """Return once the broker has confirmed.

        Raises:
            NotConfirmed: it did not.
        """
        if not self._unsettled.acquire(timeout=deadline.remaining_seconds()):
            self.given_up = True
            raise NotConfirmed(Obstacle.NO_CONFIRM)
        if self._failure is not None:
            raise self._failure

    def _settle(self, failure: NotConfirmed | None) -> None:
        if not self._is_settled:
            self._is_settled = True
            self._failure = failure
            self._unsettled.release()


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
        """Take orders in; `wake` is called, from their threads, when there is something to take.

        It may be called once more after the outbox was shut.
        """
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
            wake = None if self._woken else self._wake  # a call that is on its way will take this one along
            self._woken = True
        if wake:
            wake()  # a system call: with the lock in hand it would hold up all who come meanwhile

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
                if not waiting.given_up:
                    taken.append(waiting)
        return taken
