"""Which access tokens are good no more, as this process knows it: no request asks the database.

A token names its session and its user's epoch. The whole set of sessions that were revoked and of epochs that began
within a token's life is kept in memory; it is small, and whoever is in it is in the database for good.
"""

from time import monotonic
from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.config import MAX_ACCESS_TOKEN_SECONDS
from shakerqueue.queries import sessions, users

STALE_SECONDS = 5.0
# A minute more than a token lives: between the time that is written and its commit something may pass.
WITHIN_SECONDS = MAX_ACCESS_TOKEN_SECONDS + 60


class Revocations:
    """The revoked sessions and the begun epochs, kept current by a follower."""

    channel = "revocations_changed"
    max_age_seconds = 1.0
    pause_seconds = 0.1

    def __init__(self) -> None:
        self._current_at = float("-inf")  # on the monotonic clock
        self._sessions: frozenset[UUID] = frozenset()
        self._epochs: dict[UUID, int] = {}

    @property
    def age_seconds(self) -> float:
        """How long ago what is known was certainly current; infinite before the first read."""
        return monotonic() - self._current_at

    @property
    def stale(self) -> bool:
        """Whether what is known is too old to let anyone act as staff."""
        return self.age_seconds > STALE_SECONDS

    def cover(self, *, user_id: UUID, token_epoch: int, session_id: UUID) -> bool:
        """Whether a token that says this is revoked."""
        return session_id in self._sessions or token_epoch < self._epochs.get(user_id, 0)

    def read(self, conn: Connection[Any]) -> None:
        """Take in what was revoked and begun lately; for the follower."""
        began_at = monotonic()
        self._sessions = frozenset(sessions.list_revoked_sessions(conn, within_seconds=WITHIN_SECONDS))
        began = users.list_token_epochs(conn, within_seconds=WITHIN_SECONDS)
        self._epochs = {user.id: user.token_epoch for user in began}
        self._current_at = began_at  # what was committed later may be missing
