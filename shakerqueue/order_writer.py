"""The fallback of intake: while the broker takes no orders, the API stores them itself, as the consumer would.

One thread per process, so that the orders of many requests share a transaction: the event log is locked in each, and
a transaction per request would have them all queue up there.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, Full, Queue
from uuid import UUID

import structlog

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_store import store, transaction_shares
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

    def succeed(self) -> None:
        with suppress(InvalidStateError):  # its request has given up
            self.stored.set_result(None)

    def fail(self, error: Exception) -> None:
        with suppress(InvalidStateError):
            self.stored.set_exception(error)


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

    def write(self, order: OrderPlaced, deadline: Deadline) -> None:
        """Return once the order is stored and committed.

        Raises:
            Unavailable: it was not stored in time. It may be stored all the same.
            DataRefused: the database refuses this order for what it is.
        """
        waiting = _WaitingOrder(order, deadline)
        try:
            self._waiting.put_nowait(waiting)
            waiting.stored.result(deadline.remaining_seconds())
        except Full:
            raise Unavailable("database", "too many orders wait to be stored") from None
        except TimeoutError:
            waiting.stored.cancel()
            raise Unavailable("database", "not stored in time") from None

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first, *self._present()]
            try:
                self._store(batch)
            except Exception as error:
                # Nobody foresaw it. A thread that ended would leave the process without a fallback.
                log.exception("order_writer_failed")
                _fail(batch, Unavailable("database", repr(error)))

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
        wanted = [waiting for waiting in batch if not waiting.stored.cancelled()]
        by_id: dict[UUID, list[_WaitingOrder]] = {}
        for waiting in wanted:  # one order may be here twice: a client that repeats a request does not wait
            by_id.setdefault(waiting.order.id, []).append(waiting)
        for share in transaction_shares(waiting[0].order for waiting in by_id.values()):
            self._store_share([waiting for order in share for waiting in by_id[order.id]])

    def _store_share(self, share: list[_WaitingOrder]) -> None:
        """Store a share, if need be twice: a connection that dies under it says so soon, a server that is away late."""
        deadline = Deadline(max(waiting.deadline.at_seconds for waiting in share))
        soon = deadline.sooner(QUICK_FAILURE_SECONDS)
        try:
            try:
                self._write_share(share, deadline)
            except Unavailable:
                if soon.passed:
                    raise
                self._write_share(share, deadline)
        except ShakerQueueError as error:
            _fail(share, error)

    def _write_share(self, share: list[_WaitingOrder], deadline: Deadline) -> None:
        refused = store(self._database, [waiting.order for waiting in share], Writer.API, deadline)
        reasons = {one.order.id: one.reason for one in refused}
        for waiting in share:
            if reason := reasons.get(waiting.order.id):
                waiting.fail(reason)
            else:
                waiting.succeed()


def _fail(batch: list[_WaitingOrder], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)
