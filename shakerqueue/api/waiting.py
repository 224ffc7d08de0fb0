"""Holding an answer back until there is something new to say."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shakerqueue import shutdown
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.queries.models import Order

POLL_SECONDS = 0.2


@contextmanager
def waiting_place() -> Iterator[bool]:
    """Whether this request may wait: who waits holds a thread of the server, and only some of them may."""
    places = services().waiting_places
    held = places.acquire(blocking=False)
    try:
        yield held
    finally:
        if held:
            places.release()


def wait_for_change(look: Callable[[], Order | None], seen: Order | None, seconds: float) -> Order | None:
    """The order as soon as it is another than `seen`, or as it is after `seconds`, or when the process has to end.

    Where too many wait already, the answer is given at once.
    """
    with waiting_place() as held:
        if not held:
            return seen
        deadline = Deadline.after(seconds)
        while (order := look()) == seen and not deadline.passed:
            if shutdown.requested.wait(deadline.remaining_seconds(POLL_SECONDS)):
                break
        return order
