"""When an order counts as accepted: as soon as the broker has confirmed it, or PostgreSQL has committed it."""

from collections.abc import Sequence

from shakerqueue import failpoints
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.messaging.publisher import Publisher
from shakerqueue.order_writer import OrderWriter
from shakerqueue.telemetry.metrics import ORDERS_ACCEPTED, ORDERS_UNAVAILABLE, AcceptedBy

_BY_BROKER = ORDERS_ACCEPTED.labels(AcceptedBy.BROKER)
_BY_DATABASE = ORDERS_ACCEPTED.labels(AcceptedBy.DATABASE)


class Acceptance:
    """Makes orders safe: by the broker while it confirms, else in the database. Either alone is enough."""

    def __init__(self, publisher: Publisher | None, writer: OrderWriter) -> None:
        """Without a publisher every order is stored directly."""
        self._publisher = publisher
        self._writer = writer

    def accept(self, order: OrderPlaced, deadline: Deadline) -> None:
        """Return once the order is safe.

        Raises:
            Unavailable: neither the broker nor the database took it, as far as is known.
            DataRefused: the database refuses this order for what it is.
        """
        [failure] = self.accept_all([order], deadline)
        if failure is not None:
            raise failure

    def accept_all(self, orders: Sequence[OrderPlaced], deadline: Deadline) -> list[ShakerQueueError | None]:
        """For each order, in their order: None once it is safe, or why it is not, as `accept` would raise it.

        Orders that the broker did not confirm may be queued all the same, and then come to the database a second
        time, where their ids are known.
        """
        if self._are_confirmed(orders, deadline):
            failures: list[ShakerQueueError | None] = [None] * len(orders)
        else:
            failures = self._write(orders, deadline)
        if None in failures:
            failpoints.passes(Failpoint.REPLY)
        return failures

    def _are_confirmed(self, orders: Sequence[OrderPlaced], deadline: Deadline) -> bool:
        if self._publisher is None:
            return False
        try:
            self._publisher.publish(orders, deadline)
        except Unavailable:
            return False
        _BY_BROKER.inc(len(orders))
        return True

    def _write(self, orders: Sequence[OrderPlaced], deadline: Deadline) -> list[ShakerQueueError | None]:
        failures = self._writer.write(orders, deadline)
        _BY_DATABASE.inc(failures.count(None))
        ORDERS_UNAVAILABLE.inc(sum(isinstance(failure, Unavailable) for failure in failures))
        return failures
