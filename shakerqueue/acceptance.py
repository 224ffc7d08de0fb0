"""When an order counts as accepted: as soon as the broker has confirmed it, or PostgreSQL has committed it."""

from shakerqueue import failpoints
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
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

        An order that the broker did not confirm may be queued all the same, and then comes to the database a second
        time, where its id is known.

        Raises:
            Unavailable: neither the broker nor the database took it, as far as is known.
            DataRefused: the database refuses this order for what it is.
        """
        if not self._is_confirmed(order, deadline):
            self._write(order, deadline)
        failpoints.passes(Failpoint.REPLY)

    def _is_confirmed(self, order: OrderPlaced, deadline: Deadline) -> bool:
        if self._publisher is None:
            return False
        try:
            self._publisher.publish(order, deadline)
        except Unavailable:
            return False
        _BY_BROKER.inc()
        return True

    def _write(self, order: OrderPlaced, deadline: Deadline) -> None:
        try:
            self._writer.write(order, deadline)
        except Unavailable:
            ORDERS_UNAVAILABLE.inc()
            raise
        _BY_DATABASE.inc()
