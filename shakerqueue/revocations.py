"""Which access tokens are good no more, as this process knows it: no request asks the database.

A token names its session and its user's epoch. The whole set of sessions that were revoked and of epochs that began
within a token's life is kept in memory; it is small, and whoever is in it is in the database for good.
"""

from uuid import UUID

from shakerqueue.config import MAX_ACCESS_TOKEN_SECONDS
from shakerqueue.database import DeadlineConnection
from shakerqueue.listener import Listener
from shakerqueue.queries import sessions, users

POLL_SECONDS = 1.0
STALE_SECONDS = 5.0
# A minute more than a token lives: between the time that is written and its commit something may pass.
WITHIN_SECONDS = MAX_ACCESS_TOKEN_SECONDS + 60


class Revocations(Listener):
    """The revoked sessions and the begun epochs."""

    def __init__(self, database_url: str) -> None:
        super().__init__(database_url, name="revocations", channel="revocations_changed", max_age_seconds=POLL_SECONDS)
        self._sessions: frozenset[UUID] = frozenset()
        self._epochs: dict[UUID, int] = {}

    @property
    def stale(self) -> bool:
        """Whether what is known is too old to let anyone act as staff."""
        return self.age_seconds > STALE_SECONDS

    def cover(self, *, user_id: UUID, token_epoch: int, session_id: UUID) -> bool:
        """Whether a token that says this is revoked."""
        return session_id in self._sessions or token_epoch < self._epochs.get(user_id, 0)

    def _read(self, conn: DeadlineConnection) -> None:
        self._sessions = frozenset(sessions.list_revoked_sessions(conn, within_seconds=WITHIN_SECONDS))
        began = users.list_token_epochs(conn, within_seconds=WITHIN_SECONDS)
        self._epochs = {user.id: user.token_epoch for user in began}
