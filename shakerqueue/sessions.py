"""Sessions: each begins with a sign-in, goes on by refresh tokens that are good once, and can be ended.

On a session that was signed in with a password, its parent, colleagues can be switched to by their PINs: one after the
other, each in a session that ends with the parent at the latest.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import structlog
from psycopg import Connection

from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import sessions, tables, users
from shakerqueue.queries.models import Session, User, UserRole
from shakerqueue.refresh_tokens import ForeignRefreshToken, RefreshToken

# So long a token that was used answers the same successor again: two tabs, or an answer that was lost.
GRACE_SECONDS = 20

log = structlog.get_logger(__name__)


class SessionEnded(ShakerQueueError):
    """The session is over, or its user may no longer in: only a new sign-in helps."""


class RightsChanged(ShakerQueueError):
    """What was known of the user has changed meanwhile: role, password, PIN, or whether they may in at all."""


class SignIn(NamedTuple):
    """What somebody gets who may in."""

    user: User
    session_id: UUID
    refresh_token: str
    expires_at: datetime  # the session's end, however often it is refreshed
    by_pin: bool = False
    table: str | None = None  # the label of the table that a guest without an account sits at

    @property
    def left(self) -> timedelta:
        """How long the session goes on."""
        return self.expires_at - datetime.now(UTC)

    @property
    def role(self) -> UserRole:
        """With whose rights the session acts: a few digits open nothing that only admins may."""
        return UserRole.EMPLOYEE if self.by_pin and self.user.role is UserRole.ADMIN else self.user.role


class Sessions:
    """Opens and continues sessions with one secret; each lives for so many seconds unless it is opened for fewer."""

    def __init__(self, secret: bytes, life_seconds: int) -> None:
        self._secret = secret
        self._life_seconds = life_seconds

    def open(self, conn: Connection[Any], user: User, life_seconds: int | None = None) -> SignIn:
        """A new session of this user, as they were read.

        Raises:
            RightsChanged: they are no longer as they were read.
        """
        token = RefreshToken.first(self._secret, uuid4())
        opened = sessions.insert_session(
            conn,
            id=token.session_id,
            token_hash=token.hash,
            life_seconds=life_seconds or self._life_seconds,
            user_id=user.id,
            token_epoch=user.token_epoch,
        )
        if opened is None:
            raise RightsChanged("the user has changed since the password was checked")
        sessions.delete_ended_sessions(conn, user_id=user.id)
        return _sign_in(conn, user, opened, token)

    def open_by_pin(self, conn: Connection[Any], user: User, parent_id: UUID) -> SignIn:
        """A session of this user, as they were read, in the place of the one that was opened on the parent before.

        In a transaction: the one before ends when this one begins.

        Raises:
            RightsChanged: their PIN or rights are no longer as they were read, or the parent is over.
        """
        token = RefreshToken.first(self._secret, uuid4())
        opened = sessions.insert_pin_session(
            conn,
            id=token.session_id,
            token_hash=token.hash,
            parent_id=parent_id,
            user_id=user.id,
            token_epoch=user.token_epoch,
            pin_hash=user.pin_hash,
        )
        if opened is None:
            raise RightsChanged("the user or the parent has changed since the PIN was checked")
        sessions.revoke_other_pin_sessions(conn, parent_id=parent_id, id=token.session_id)
        sessions.delete_ended_sessions(conn, user_id=user.id)
        return _sign_in(conn, user, opened, token)

    def of(self, presented: str) -> UUID | None:
        """The session that a refresh token is of, though it may be over; None where the token is none of ours."""
        try:
            return RefreshToken.parse(self._secret, presented).session_id
        except ForeignRefreshToken:
            return None

    def refresh(self, conn: Connection[Any], presented: str) -> SignIn:
        """The session goes on with the successor of its refresh token. A token that was used up ends it.

        Each statement commits by itself: give it an autocommitting connection, for the end must outlast the error.

        Raises:
            SessionEnded: the token is none of ours or no longer good.
        """
        token = self._parsed(presented)
        successor = token.successor(self._secret)
        session = self._used(conn, token, successor) or self._used_just_now(conn, token)
        if session is None:
            self._end(conn, token.session_id)
            raise SessionEnded("the refresh token is used up or expired")
        # Read after the token was used, so that the new access token carries the rights of now.
        user = users.get_user(conn, id=session.user_id)
        if user is None or user.disabled_at is not None:
            raise SessionEnded("the user is disabled")
        return _sign_in(conn, user, session, successor)

    def holder(self, conn: Connection[Any], presented: str) -> User | None:
        """Whose session a refresh with this token would continue, None for nobody's. It uses nothing up."""
        try:
            token = self._parsed(presented)
        except SessionEnded:
            return None
        session = sessions.get_session_by_token(
            conn, id=token.session_id, token_hash=token.hash, grace_seconds=GRACE_SECONDS
        )
        return users.get_user(conn, id=session.user_id) if session else None

    def _parsed(self, presented: str) -> RefreshToken:
        try:
            return RefreshToken.parse(self._secret, presented)
        except ForeignRefreshToken as error:
            raise SessionEnded(str(error)) from error

    @staticmethod
    def _used(conn: Connection[Any], token: RefreshToken, successor: RefreshToken) -> Session | None:
        return sessions.rotate_session(conn, id=token.session_id, token_hash=token.hash, successor_hash=successor.hash)

    @staticmethod
    def _used_just_now(conn: Connection[Any], token: RefreshToken) -> Session | None:
        return sessions.get_session_just_rotated(
            conn, id=token.session_id, token_hash=token.hash, grace_seconds=GRACE_SECONDS
        )

    @staticmethod
    def _end(conn: Connection[Any], session_id: UUID) -> None:
        """Whoever has a token that was used up shares it with somebody; which of the two is honest nobody knows."""
        revoked = sessions.revoke_session(conn, id=session_id)
        log.warning("refresh_token_refused", session_id=str(session_id), session_revoked=bool(revoked))


def _sign_in(conn: Connection[Any], user: User, session: Session, token: RefreshToken) -> SignIn:
    table = tables.get_table(conn, id=user.table_id) if user.table_id else None
    return SignIn(
        user,
        session.id,
        str(token),
        session.expires_at,
        by_pin=session.parent_id is not None,
        table=table.label if table else None,
    )
