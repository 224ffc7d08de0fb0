"""How often somebody may be wrong about what can be guessed: counted in the database, so by all processes together.

An attempt is counted as failed before anything is compared. So of any number that are made at once, no more are looked
at than may fail, and one whose process is killed stays counted.
"""

from typing import Any, NamedTuple
from uuid import UUID

import structlog
from psycopg import Connection

from shakerqueue.errors import TooManyAttempts
from shakerqueue.queries import failed_attempts

QUARTER_HOUR_SECONDS = 900
CLEANED_ROWS = 10  # more than one attempt adds, so that the table cannot grow

log = structlog.get_logger(__name__)


class Budget(NamedTuple):
    """How many attempts on a subject may fail within a window, which begins with the first of them."""

    subject: str
    max_failures: int
    window_seconds: int = QUARTER_HOUR_SECONDS


def pins_of(user_id: UUID) -> Budget:
    """Wrong PINs of one user, wherever they are typed."""
    return Budget(f"pin:{user_id}", max_failures=5)


def pins_on(session_id: UUID) -> Budget:
    """Wrong PINs on one tablet, whoever is meant; the session is the one that it was signed in with."""
    return Budget(f"tablet:{session_id}", max_failures=15)


def passwords_of(user_id: UUID) -> Budget:
    """Wrong passwords of a user who is signed in. Signing in is not held up by them."""
    return Budget(f"password:{user_id}", max_failures=5)


def sign_ins_from(network: str) -> Budget:
    """Failed sign-ins from one address, into whatever accounts. A bar's guests may share it."""
    return Budget(f"sign-in-from:{network}", max_failures=50)


def sign_ins_of(account: str) -> Budget:
    """Failed sign-ins into one account, from wherever."""
    return Budget(f"sign-in:{account}", max_failures=5)


def sign_ins_on(device: str) -> Budget:
    """Failed sign-ins into one account on one device that it has signed in on before."""
    return Budget(f"sign-in-on:{device}", max_failures=5)


def reserve(conn: Connection[Any], *budgets: Budget) -> int:
    """Count an attempt as failed in each budget, and return how many more may fail. In a transaction.

    Several are given in the same order everywhere, for each is locked until the end of the transaction.

    Raises:
        TooManyAttempts: one of them is used up. Roll back: the attempt is not to be looked at.
    """
    left = min(_reserve_in(conn, budget) for budget in budgets)
    failed_attempts.delete_ended_windows(
        conn, max_rows=CLEANED_ROWS
    )  # last: whoever holds these locks waits for nobody
    return left


def give_back(conn: Connection[Any], budget: Budget) -> None:
    """The attempt did not fail; those that did stay counted."""
    failed_attempts.give_back_attempt(conn, subject=budget.subject)


def clear(conn: Connection[Any], budget: Budget) -> None:
    """The attempt did not fail, and shows that those before were slips."""
    failed_attempts.clear_attempts(conn, subject=budget.subject)


def _reserve_in(conn: Connection[Any], budget: Budget) -> int:
    failures = failed_attempts.reserve_attempt(
        conn, subject=budget.subject, max_failures=budget.max_failures, window_seconds=budget.window_seconds
    )
    if failures is None:
        seconds_left = failed_attempts.get_seconds_left(conn, subject=budget.subject) or 1
        log.warning("too_many_attempts", subject=budget.subject, seconds_left=seconds_left)
        raise TooManyAttempts(seconds_left)
    return budget.max_failures - failures
