"""People's accounts, and the rule that somebody who may administer is always left."""

from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import users
from shakerqueue.queries.models import User, UserRole


class NoSuchUser(ShakerQueueError):
    """There is no user of this id."""


class NotAPerson(ShakerQueueError):
    """An integration stays one, and a guest of a table, too: there is no password to sign in with."""


class LastAdmin(ShakerQueueError):
    """Afterwards nobody could administer."""


def add_person(conn: Connection[Any], *, username: str, email: str, password_hash: str, role: UserRole) -> User:
    """Add somebody who signs in with a password.

    The driver's error becomes `Taken` where the username or the address is, with the connection's context.
    """
    user = users.insert_user(conn, username=username, email=email, password_hash=password_hash, role=role)
    assert user is not None, "INSERT … RETURNING gives a row or raises"  # noqa: S101
    return user


def change_rights(conn: Connection[Any], user_id: UUID, *, role: UserRole | None, disabled: bool | None) -> User:
    """Give a person another role, let them in or shut them out; None leaves things as they are. In a transaction.

    Raises:
        NoSuchUser: nobody has this id.
        NotAPerson: a role for an integration, or for a guest of a table.
        LastAdmin: it would take the last enabled admin away.
    """
    _check_target(users.get_user(conn, id=user_id), role)
    shuts_out = disabled or role not in (None, UserRole.ADMIN)
    # Two admins who demote each other at once: the second waits here, and then finds only one left.
    if shuts_out and users.lock_enabled_admins(conn) == [user_id]:
        raise LastAdmin("nobody else is an enabled admin")
    changed = users.update_user_rights(conn, id=user_id, role=role, disabled=disabled)
    assert changed is not None, "users are never deleted"  # noqa: S101
    return changed


def _check_target(user: User | None, role: UserRole | None) -> None:
    if user is None:
        raise NoSuchUser("there is no such user")
    if role is not None and (user.role is UserRole.INTEGRATION or user.table_id is not None):
        raise NotAPerson("the role of what has no password cannot be changed")
