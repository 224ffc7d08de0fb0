"""Comparing what somebody types with a hash, once the attempt is counted."""

from collections.abc import Iterable
from time import monotonic

from shakerqueue import attempts
from shakerqueue.api.requests import extend_deadline, request_deadline
from shakerqueue.api.services import services
from shakerqueue.attempts import Budget
from shakerqueue.errors import Unavailable


def is_right(typed: str, known_hash: str | None, budgets: Iterable[Budget]) -> bool:
    """Whether it is what was hashed. Without a hash it takes as long and says no.

    What is waited for that is added to the request's time: else a right password would come too late to be let in.

    Raises:
        Unavailable: too many are being compared. Then this one did not fail, and the budgets have it back.
    """
    try:
        return _compared(typed, known_hash)
    except Unavailable:
        with services().database.transaction(request_deadline()) as conn:
            for budget in budgets:
                attempts.give_back(conn, budget)
        raise


def _compared(typed: str, known_hash: str | None) -> bool:
    began_at = monotonic()
    try:
        return services().passwords.matches(typed, known_hash)
    finally:
        extend_deadline(monotonic() - began_at)
