"""Whether the bar takes orders: what was said of it, and what that means at a moment.

A bar is open, has called for last orders (it accepts until `closes_at`), or is closed, until `reopens_at` or until
somebody opens it. The clock moves it along: nobody has to be there at closing time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.queries import bar as queries
from shakerqueue.queries.models import Bar


class BarState(StrEnum):
    """The three states that guests are told apart."""

    OPEN = "open"
    LAST_CALL = "last_call"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class BarNow:
    """The bar at one moment."""

    state: BarState
    reason: str | None = None
    closes_at: datetime | None = None
    reopens_at: datetime | None = None

    @property
    def accepting(self) -> bool:
        return self.state is not BarState.CLOSED


def bar_at(said: Bar, moment: datetime) -> BarNow:
    """What was said, as it holds at `moment` (aware)."""
    if said.reopens_at is not None and said.reopens_at <= moment:
        return BarNow(state=BarState.OPEN)
    if not said.accepting or (said.closes_at is not None and said.closes_at <= moment):
        return BarNow(state=BarState.CLOSED, reason=said.reason, reopens_at=said.reopens_at)
    state = BarState.OPEN if said.closes_at is None else BarState.LAST_CALL
    return BarNow(state=state, reason=said.reason, closes_at=said.closes_at, reopens_at=said.reopens_at)


class BarCache:
    """What this process knows of the bar, kept current by a follower; an order asks it and not the database."""

    channel = "bar_changed"
    max_age_seconds = 30.0
    pause_seconds = 0.1

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: Bar | None = None

    @property
    def said(self) -> Bar | None:
        """What was said last, as far as it was read."""
        return self._said

    @property
    def loaded(self) -> bool:
        """Whether anything was read since the process started."""
        return self._said is not None

    def now(self, deadline: Deadline | None = None) -> BarNow:
        """The bar at this moment.

        Raises:
            Unavailable: nothing was read yet, and PostgreSQL is away.
        """
        said = self._said or self._look_up(deadline)
        return bar_at(said, datetime.now(UTC))

    def remember(self, said: Bar) -> None:
        """Know at once what this process itself has just stored."""
        self._said = said

    def read(self, conn: Connection[Any]) -> None:
        """Take in what was said last; for the follower."""
        self._said = _only_row(queries.get_bar(conn))

    def _look_up(self, deadline: Deadline | None) -> Bar:
        with self._database.connection(deadline) as conn:
            return _only_row(queries.get_bar(conn))


def _only_row(row: Bar | None) -> Bar:
    assert row is not None, "the migration makes it"  # noqa: S101
    return row
