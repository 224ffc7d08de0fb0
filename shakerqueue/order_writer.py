"""The fallback of intake: while the broker takes no orders, the API stores them itself, as the consumer would.

One thread per process, so that the orders of many requests share a transaction: the event log is locked in each, and
a transaction per request would have them all queue up there.
"""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from uuid import UUID

import structlog

from shakerqueue.database import CONTENTION, Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_store import store, store_each, transaction_shares
from shakerqueue.telemetry.metrics import Writer

MAX_WAITING_ORDERS = 2_000
MAX_BATCH_ORDERS = 500
QUICK_FAILURE_SECONDS = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _WaitingOrder:
    """An order, until when its request waits, and what the request waits on."""

    order: OrderPlaced
    deadline: Deadline
    stored: Future[None] = field(default_factory=Future)

    def settle(self, error: Exception | None) -> None:
        """Tell the request: stored, or why not."""
        with suppress(InvalidStateError):  # it has given up, or knows
            if error is None:
                self.stored.set_result(None)
            elif isinstance(error, ShakerQueueError):
                self.stored.set_exception(error)
            else:
                self.stored.set_exception(Unavailable("database", repr(error)))

    def outcome(self) -> ShakerQueueError | None:
        """None once the order is stored and committed, or why it is not, as far as is known by the deadline."""
        try:
            self.stored.result(self.deadline.remaining_seconds())
        except TimeoutError:
            self.stored.cancel()
            return Unavailable("database", "not stored in time")
        except ShakerQueueError as error:
            return error
        return None


class OrderWriter:
    """Stores orders for the requests of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: Queue[_WaitingOrder | None] = Queue(MAX_WAITING_ORDERS)
        self._thread = threading.Thread(target=self._run, name="order-writer", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 5.0) -> None:
        """Store what waits, and end the thread."""
        with suppress(Full):
            self._waiting.put(None, timeout=timeout_seconds)
        self._thread.join(timeout_seconds)

    def write(self, orders: Sequence[OrderPlaced], deadline: Deadline) -> list[ShakerQueueError | None]:
        """For each order, in their order: None once it is stored and committed, or why it is not.

        Unavailable: it was not stored in time. It may be stored all the same.
        DataRefused: the database refuses this order for what it is.
        """
        return [waiting.outcome() for waiting in [self._put(order, deadline) for order in orders]]

    def _put(self, order: OrderPlaced, deadline: Deadline) -> _WaitingOrder:
        waiting = _WaitingOrder(order, deadline)
        try:
            self._waiting.put_nowait(waiting)
        except Full:
            waiting.settle(Unavailable("database", "too many orders wait to be stored"))
        return waiting

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first, *self._present()]
            try:
                self._store(batch)
            except Exception as error:
                # Nobody foresaw it. A thread that ended would leave the process without a fallback.
                log.exception("order_writer_failed")
                _fail(batch, error)

    def _present(self) -> Iterator[_WaitingOrder]:
        """What else waits at this moment."""
        for _ in range(MAX_BATCH_ORDERS - 1):
            try:
                waiting = self._waiting.get_nowait()
            except Empty:
                return
            if waiting is None:
                self._waiting.put_nowait(None)  # the end: after this batch
                return
            yield waiting

    def _store(self, batch: list[_WaitingOrder]) -> None:
        waiting: dict[UUID, list[_WaitingOrder]] = {}
        for one in batch:  # one order may be here twice: a client that repeats a request does not wait
            if not one.stored.cancelled():
                waiting.setdefault(one.order.id, []).append(one)
        for share in transaction_shares(same[0].order for same in waiting.values()):
            self._store_share([one for order in share for one in waiting[order.id]])

    def _store_share(self, share: list[_WaitingOrder]) -> None:
        """Together; if need be once more, or each by itself, where that can help."""
        deadline = Deadline(max(one.deadline.at_seconds for one in share))
        soon = deadline.sooner(QUICK_FAILURE_SECONDS)
        try:
            self._store_together(share, deadline)
        except Unavailable as error:
            if error.sqlstate in CONTENTION:
                self._store_each(share)
            elif soon.passed:  # a server that is away; a connection that dies under it says so soon
                _fail(share, error)
            else:
                self._store_again(share, deadline)
        except Exception:
            log.exception("share_failed")
            self._store_each(share)

    def _store_again(self, share: list[_WaitingOrder], deadline: Deadline) -> None:
        try:
            self._store_together(share, deadline)
        except Unavailable as error:
            _fail(share, error)

    def _store_together(self, share: list[_WaitingOrder], deadline: Deadline) -> None:
        refused = store(self._database, [one.order for one in share], Writer.API, deadline)
        reasons = {one.order.id: one.reason for one in refused}
        for one in share:
            one.settle(reasons.get(one.order.id))

    def _store_each(self, share: list[_WaitingOrder]) -> None:
        """Somebody is in the way of one of them, or it fails as nobody foresaw: the others do not wait for it."""
        wanted = [one for one in share if not one.stored.cancelled() and not one.deadline.passed]
        left = iter(wanted)
        deadline = Deadline(max((one.deadline.at_seconds for one in wanted), default=0.0))
        try:
            for _, error in store_each(self._database, (one.order for one in wanted), Writer.API, deadline):
                next(left).settle(error)
        except Unavailable as error:
            _fail(wanted, error)


def _fail(batch: list[_WaitingOrder], error: Exception) -> None:
    for waiting in batch:
        waiting.settle(error)
