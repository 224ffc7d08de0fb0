"""Holding an answer back until there is something new to say."""

import time
from collections.abc import Callable

from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.queries.models import Order

POLL_SECONDS = 0.2


def wait_for_change(look: Callable[[], Order | None], seen: Order | None, seconds: float) -> Order | None:
    """The order as soon as it is another than `seen`, or as it is after `seconds`.

    Who waits holds a thread of the server. When half of them wait already, the answer is given at once.
    """
    places = services().waiting_places
    if not places.acquire(blocking=False):
        return seen
    try:
        deadline = Deadline.after(seconds)
        while (order := look()) == seen and not deadline.passed:
            time.sleep(deadline.remaining_seconds(POLL_SECONDS))
        return order
    finally:
        places.release()
