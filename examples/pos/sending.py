"""Sending checks: one by one while the bar is there, in batches after it was not."""

from collections.abc import Iterator, Sequence
from functools import partial

from .bar import Accepted, Bar, BatchRefused, NoAnswer, Refused
from .patience import Patience, insist
from .store import Check, Store

BATCH_CHECKS = 100
BATCH_BYTES = 900_000  # the bar takes 1 MiB; the rest is for the keys

Outcome = Accepted | Refused | NoAnswer


def send(bar: Bar, store: Store, check: Check, patience: Patience) -> None:
    """Send one check, again and again under its key, until the bar has accepted or refused it.

    Raises:
        NoAnswer: it has done neither so far; the check stays unsent.
    """
    _settle(store, check, insist(lambda: bar.place(check), patience))


def catch_up(bar: Bar, store: Store, patience: Patience) -> Iterator[list[Check]]:
    """Send all that is unsent, the oldest first, and yield each batch's checks that were settled.

    Raises:
        NoAnswer: some are unsent still.
    """
    while waiting := store.unsent():
        unclear: list[NoAnswer] = []
        for batch in _batches(waiting):
            settled = []
            for check, outcome in _place_all(bar, batch, patience):
                if isinstance(outcome, NoAnswer):
                    unclear.append(outcome)
                else:
                    _settle(store, check, outcome)
                    settled.append(check)
            yield settled
        if unclear and not patience.wait(0.0):
            raise unclear[0]


def _place_all(bar: Bar, batch: Sequence[Check], patience: Patience) -> Iterator[tuple[Check, Outcome]]:
    """Each check and what became of it. A batch that is refused is halved, so that none holds up the others.

    The last one left goes as any other order does: what the bar says then is about it, and not about a batch.
    """
    try:
        yield from zip(batch, insist(partial(bar.place_all, batch), patience), strict=True)
    except BatchRefused:
        if len(batch) == 1:
            yield batch[0], insist(partial(bar.place, batch[0]), patience)
            return
        middle = len(batch) // 2
        yield from _place_all(bar, batch[:middle], patience)
        yield from _place_all(bar, batch[middle:], patience)


def _batches(checks: Sequence[Check]) -> Iterator[list[Check]]:
    batch: list[Check] = []
    size = 0
    for check in checks:
        check_bytes = len(check.body.encode())
        if batch and (len(batch) == BATCH_CHECKS or size + check_bytes > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(check)
        size += check_bytes
    if batch:
        yield batch


def _settle(store: Store, check: Check, outcome: Accepted | Refused) -> None:
    """Write down what the bar said."""
    match outcome:
        case Accepted(order):
            store.accept(check, order)
        case Refused():
            store.refuse(check, outcome.for_the_cashier)
