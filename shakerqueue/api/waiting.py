"""Holding an answer back until there is something new to say."""

from collections.abc import Callable

from shakerqueue import shutdown
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.queries.models import Order

POLL_SECONDS = 0.2


def wait_for_change(look: Callable[[], Order | None], seen: Order | None, seconds: float) -> Order | None:
    """The order as soon as it is another than `seen`, or as it is after `seconds`, or when the process has to end.

    Who waits holds a thread of the server. When half of them wait already, the answer is given at once.
    """
    places = services().waiting_places
    if not places.acquire(blocking=False):
        return seen
    try:
        deadline = Deadline.after(seconds)
        while (order := look()) == seen and not deadline.passed:
            if shutdown.requested.wait(deadline.remaining_seconds(POLL_SECONDS)):
                break
        return order
    finally:
        places.release()
