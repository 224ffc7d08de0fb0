"""Sessions that were opened by PIN on another one: what ends them, whoever changes what, and in which order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest

from shakerqueue.database import Database, running_database
from shakerqueue.queries import sessions, users
from shakerqueue.queries.models import User
from shakerqueue.sessions import RightsChanged, SessionEnded, Sessions, SignIn
from tests.support.bar import Bar
from tests.support.waiting import eventually

SESSIONS = Sessions(bytes(range(32)), life_seconds=3600)


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=8) as database:
        yield database


@pytest.fixture
def tablet(database: Database) -> SignIn:
    """The bartender has signed a tablet in."""
    with database.connection() as conn:
        return SESSIONS.open(conn, user(database, "bartender"))


@pytest.fixture
def turn(database: Database, tablet: SignIn) -> SignIn:
    """The admin's turn at it."""
    return switched(database, tablet)


def user(database: Database, name: str) -> User:
    with database.connection() as conn:
        found = users.get_user_by_email(conn, email=f"{name}@example.com")
    assert found is not None
    return found


def switched(database: Database, tablet: SignIn, colleague: User | None = None) -> SignIn:
    colleague = colleague or user(database, "admin")
    with database.transaction() as conn:
        return SESSIONS.open_by_pin(conn, colleague, tablet.session_id)


def goes_on(database: Database, sign_in: SignIn) -> bool:
    [(revoked_at,)] = rows(database, f"SELECT revoked_at FROM sessions WHERE id = '{sign_in.session_id}'")
    return revoked_at is None


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.connection() as conn:
        return conn.execute(query.encode()).fetchall()


def test_an_admin_acts_as_an_employee_and_does_so_after_each_refresh(database: Database, turn: SignIn) -> None:
    with database.connection() as conn:
        refreshed = SESSIONS.refresh(conn, turn.refresh_token)
        repeated = SESSIONS.refresh(conn, turn.refresh_token)  # as after a lost answer
    assert ["admin"] * 3 == [each.user.role for each in (turn, refreshed, repeated)]
    assert ["employee"] * 3 == [each.role for each in (turn, refreshed, repeated)]


def test_it_expires_with_its_parent_and_no_later(bar: Bar, database: Database, tablet: SignIn) -> None:
    bar.change("UPDATE sessions SET expires_at = now() + interval '7 minutes'")
    switched(database, tablet)
    assert [(2, 1)] == bar.query("SELECT count(*), count(DISTINCT expires_at) FROM sessions")


def test_a_tablet_acts_for_one_at_a_time(database: Database, tablet: SignIn, turn: SignIn) -> None:
    after = switched(database, tablet, user(database, "bartender"))
    assert [True, False, True] == [goes_on(database, each) for each in (tablet, turn, after)]


def test_of_two_switches_at_once_one_goes_on(bar: Bar, database: Database, tablet: SignIn) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as conn:
            first = SESSIONS.open_by_pin(conn, user(database, "admin"), tablet.session_id)
            attempt = pool.submit(switched, database, tablet, user(database, "bartender"))
            eventually(lambda: bar.waiting_for_a_lock() == 1)
        second = attempt.result()
    assert [False, True] == [goes_on(database, each) for each in (first, second)]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now() WHERE parent_id IS NULL",
        "UPDATE users SET pin_hash = 'another' WHERE username = 'admin'",
        "UPDATE users SET pin_hash = NULL WHERE username = 'admin'",
        "UPDATE users SET password_hash = 'another' WHERE username = 'admin'",
        "UPDATE users SET disabled_at = now() WHERE username = 'admin'",
        "UPDATE users SET role = 'customer' WHERE username = 'admin'",
        "UPDATE users SET password_hash = 'another' WHERE username = 'bartender'",
        "UPDATE users SET disabled_at = now() WHERE username = 'bartender'",
        "UPDATE users SET role = 'customer' WHERE username = 'bartender'",
    ],
)
def test_what_takes_the_right_away_ends_it(bar: Bar, database: Database, turn: SignIn, change: str) -> None:
    bar.change(change)
    assert not goes_on(database, turn)
    with database.connection() as conn, pytest.raises(SessionEnded):
        SESSIONS.refresh(conn, turn.refresh_token)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now() WHERE parent_id IS NOT NULL",
        "UPDATE users SET pin_hash = NULL",
        "UPDATE users SET disabled_at = now() WHERE username = 'admin'",
        "UPDATE users SET role = 'admin' WHERE username = 'bartender'",
    ],
)
def test_the_parent_goes_on_without_it(bar: Bar, database: Database, tablet: SignIn, turn: SignIn, change: str) -> None:
    bar.change(change)
    assert goes_on(database, tablet)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE users SET role = 'employee' WHERE username = 'admin'",
        "UPDATE users SET role = 'admin' WHERE username = 'bartender'",
        "UPDATE users SET pin_hash = NULL WHERE username = 'bartender'",
        "UPDATE users SET disabled_at = now() WHERE username = 'user'",
    ],
)
def test_other_changes_leave_it(bar: Bar, database: Database, turn: SignIn, change: str) -> None:
    bar.change(change)
    assert goes_on(database, turn)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now()",
        "UPDATE sessions SET expires_at = now()",
        "UPDATE users SET pin_hash = 'another'",
        "UPDATE users SET pin_hash = NULL",
        "UPDATE users SET role = 'employee' WHERE username = 'admin'",
        "UPDATE users SET disabled_at = now() WHERE username = 'admin'",
    ],
)
def test_none_is_opened_on_what_changed_meanwhile(bar: Bar, database: Database, tablet: SignIn, change: str) -> None:
    colleague = user(database, "admin")
    bar.change(change)
    with pytest.raises(RightsChanged):
        switched(database, tablet, colleague)


def test_none_is_opened_on_another_of_its_kind_or_on_nothing(database: Database, turn: SignIn) -> None:
    for parent in (turn, turn._replace(session_id=uuid4())):
        with pytest.raises(RightsChanged):
            switched(database, parent)


def test_a_switch_waits_for_an_end_of_the_parent_that_is_under_way(
    bar: Bar, database: Database, tablet: SignIn
) -> None:
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE sessions SET revoked_at = now()")
        attempt = pool.submit(switched, database, tablet)
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.commit()
        with pytest.raises(RightsChanged):
            attempt.result()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sessions SET revoked_at = now() WHERE parent_id IS NULL",
        "UPDATE users SET pin_hash = NULL WHERE username = 'admin'",
        "UPDATE users SET role = 'customer' WHERE username = 'admin'",
        "UPDATE users SET role = 'customer' WHERE username = 'bartender'",
    ],
)
def test_what_changes_during_a_switch_waits_for_it_and_ends_it(
    bar: Bar, database: Database, tablet: SignIn, change: str
) -> None:
    colleague = user(database, "admin")
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as conn:
            turn = SESSIONS.open_by_pin(conn, colleague, tablet.session_id)
            attempt = pool.submit(bar.change, change)
            eventually(lambda: bar.waiting_for_a_lock() == 1)
        attempt.result()
    assert not goes_on(database, turn)


def test_a_switch_that_waits_for_its_user_holds_no_session(bar: Bar, database: Database, tablet: SignIn) -> None:
    """Locks in the other order would meet those of a password change: that has the user, and asks for the sessions."""
    colleague = user(database, "bartender")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE users SET updated_at = now()")
        attempt = pool.submit(switched, database, tablet, colleague)
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.execute("SELECT FROM sessions FOR UPDATE NOWAIT")
        conn.commit()
        assert goes_on(database, attempt.result())


def test_a_password_change_locks_parents_before_children(bar: Bar, database: Database, tablet: SignIn) -> None:
    """As a switch does, in whose way it may come."""
    own_turn = switched(database, tablet, user(database, "bartender"))
    for owner in ("admin", "bartender"):  # which makes the parent the last row of the table
        bar.change(f"UPDATE sessions SET user_id = '{user(database, owner).id}' WHERE parent_id IS NULL")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("SELECT FROM sessions WHERE parent_id IS NULL FOR UPDATE")
        attempt = pool.submit(bar.change, "UPDATE users SET password_hash = 'another' WHERE username = 'bartender'")
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.execute("SELECT FROM sessions WHERE parent_id IS NOT NULL FOR UPDATE NOWAIT")
        conn.commit()
        attempt.result()
    assert not goes_on(database, own_turn)


def test_a_parent_that_is_forgotten_takes_its_children_along(bar: Bar, database: Database, turn: SignIn) -> None:
    bar.change("UPDATE sessions SET revoked_at = now() - interval '2 days'")
    with database.connection() as conn:
        assert 1 == sessions.delete_ended_sessions(conn, user_id=user(database, "bartender").id)
    assert [(0,)] == bar.query("SELECT count(*) FROM sessions")
