"""Waiting until nothing is on its way any more, so that what is stored can be compared with what was promised."""

from collections.abc import Callable

from pika.exceptions import AMQPError
from psycopg import OperationalError

from dev.servers import ServerError
from shakerqueue.messaging.topology import RETRY_DELAYS_SECONDS
from tests.chaos.house import House
from tests.chaos.ledger import missing
from tests.support.waiting import eventually

DRAIN_SECONDS = 120.0
LAST_COMMIT_SECONDS = 3.0
POLL_SECONDS = 0.2


def drain(house: House, deadline_seconds: float = DRAIN_SECONDS) -> list[str]:
    """Wait until the queues are empty, ready and unacknowledged; what stood in the way if that did not come about.

    That all accepted orders are stored is waited for as well, but not demanded here: the ledger says what is lost.
    """
    if not _comes_true(lambda: not _left(house), deadline_seconds):
        return [f"not drained after {deadline_seconds:.0f} s: {_left(house)}"]
    _comes_true(lambda: _all_is_stored(house), LAST_COMMIT_SECONDS)
    return []


def dead_letters(house: House) -> int:
    """What the dead queue holds."""
    return house.ready_messages(house.topology.dead_queue)


def _comes_true(condition: Callable[[], bool], deadline_seconds: float) -> bool:
    def asked() -> bool:
        try:
            return condition()
        except (AMQPError, OperationalError, ServerError):  # a server that was broken is not back yet
            return False

    try:
        return eventually(asked, deadline_seconds, poll_seconds=POLL_SECONDS)
    except AssertionError:
        return False


def _left(house: House) -> dict[str, int]:
    """Where messages are: ready by queue, or else unacknowledged."""
    topology = house.topology
    queues = [topology.orders_queue, *(topology.retry_queue(delay) for delay in RETRY_DELAYS_SECONDS)]
    ready = {queue: house.ready_messages(queue) for queue in queues}
    found = ready if any(ready.values()) else {"unacknowledged": house.unacknowledged_messages()}
    return {place: count for place, count in found.items() if count}


def _all_is_stored(house: House) -> bool:
    return not missing(house.attempted, {order.id for order in house.stored()})
