"""Sending checks: one by one while the bar is there, in batches after it was not."""

from collections.abc import Iterator, Sequence
from functools import partial

from .bar import Accepted, Bar, NoAnswer, Refused
from .patience import Patience, insist
from .store import Check, Store

BATCH_CHECKS = 100
BATCH_BYTES = 900_000  # the bar takes 1 MiB; the rest is for the keys


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
            outcomes = insist(partial(bar.place_all, batch), patience)
            yield [check for check, outcome in zip(batch, outcomes, strict=True) if _settle(store, check, outcome)]
            unclear += [outcome for outcome in outcomes if isinstance(outcome, NoAnswer)]
        if unclear and not patience.wait(0.0):
            raise unclear[0]


def _batches(checks: Sequence[Check]) -> Iterator[list[Check]]:
    batch: list[Check] = []
    size = 0
    for check in checks:
        if batch and (len(batch) == BATCH_CHECKS or size + len(check.body) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(check)
        size += len(check.body)
    if batch:
        yield batch


def _settle(store: Store, check: Check, outcome: Accepted | Refused | NoAnswer) -> bool:
    """Write down what the bar said, if it said something."""
    match outcome:
        case Accepted(order):
            store.accept(check, order)
        case Refused():
            store.refuse(check, outcome.for_the_cashier)
        case NoAnswer():
            return False
    return True
