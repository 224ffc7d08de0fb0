"""Guest passes: whoever has the link of a table may order there for a few hours, without an account."""

from typing import Any
from uuid import uuid4

from psycopg import Connection

from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import tables, users
from shakerqueue.queries.models import Table, User
from shakerqueue.sessions import Sessions, SignIn
from shakerqueue.table_links import TableLink

# So many guests may come by one link within the window; then somebody has photographed it, or clears their cookies.
MAX_GUESTS = 60
WINDOW_SECONDS = 6 * 3600


class LinkNotGood(ShakerQueueError):
    """The table is gone, or its link was renewed since this one was printed."""


class AccountSignedIn(ShakerQueueError):
    """Whoever holds this session has an account; `username` says whose."""

    def __init__(self, username: str) -> None:
        super().__init__(f"signed in as {username}")
        self.username = username


class TooManyGuests(ShakerQueueError):
    """Too many came by this link lately; there is room again in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too many guests came by this link")
        self.retry_after_seconds = retry_after_seconds


class GuestPasses:
    """Opens passes that live for so many seconds. A pass is a session of a user of its own, bound to the table."""

    def __init__(self, sessions: Sessions, life_seconds: int) -> None:
        self._sessions = sessions
        self._life_seconds = life_seconds

    def open(self, conn: Connection[Any], link: TableLink, refresh_token: str) -> SignIn:
        """The pass of this table that the refresh token stands for, continued; else a new one.

        A pass of another table is left behind. Give it an autocommitting connection, as `Sessions.refresh`.

        Raises:
            LinkNotGood, AccountSignedIn, TooManyGuests: as they say.
            SessionEnded: the pass ended this moment; another try opens a new one.
        """
        _refuse_old(link, tables.get_table(conn, id=link.table_id))
        holder = self._sessions.holder(conn, refresh_token)
        if holder is not None and holder.table_id is None:
            raise AccountSignedIn(holder.username)
        if holder is not None and holder.table_id == link.table_id:
            return self._sessions.refresh(conn, refresh_token)
        with conn.transaction():
            return self._sessions.open(conn, _new_guest(conn, link), self._life_seconds)


def _new_guest(conn: Connection[Any], link: TableLink) -> User:
    # The lock makes a revocation wait for this pass, and then end it as well; and the guests are counted exactly.
    table = _refuse_old(link, tables.lock_table(conn, id=link.table_id))
    wait_seconds = users.get_seconds_until_table_has_room(
        conn, table_id=table.id, since=table.link_made_at, at_most=MAX_GUESTS, window_seconds=WINDOW_SECONDS
    )
    if wait_seconds is not None:
        raise TooManyGuests(wait_seconds)
    guest = users.insert_table_guest(conn, username=f"guest-{uuid4().hex}", table_id=table.id)
    assert guest is not None, "INSERT … RETURNING gives a row or raises"  # noqa: S101
    return guest


def _refuse_old(link: TableLink, table: Table | None) -> Table:
    if table is None or table.archived_at is not None or table.link_version != link.version:
        raise LinkNotGood("the table is gone, or has another link")
    return table
