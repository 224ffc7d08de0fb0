"""Sessions over the real database: rotation, its grace, and what ends them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from shakerqueue.database import Database, running_database
from shakerqueue.queries import users
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
def user(database: Database) -> User:
    return read_user(database)


@pytest.fixture
def sign_in(database: Database, user: User) -> SignIn:
    return opened(database, user)


def read_user(database: Database) -> User:
    with database.connection() as conn:
        user = users.get_user_by_email(conn, email="user@example.com")
    assert user is not None
    return user


def opened(database: Database, user: User) -> SignIn:
    with database.connection() as conn:
        return SESSIONS.open(conn, user)


def refreshed(database: Database, token: str) -> str:
    with database.connection() as conn:
        return SESSIONS.refresh(conn, token).refresh_token


def test_each_refresh_hands_on_another_token(database: Database, sign_in: SignIn) -> None:
    tokens = [sign_in.refresh_token]
    for _ in range(3):
        tokens.append(refreshed(database, tokens[-1]))
    assert 4 == len(set(tokens))


def test_of_twenty_at_once_one_successor_comes_out(bar: Bar, database: Database, sign_in: SignIn) -> None:
    with ThreadPoolExecutor(20) as tabs:
        successors = set(tabs.map(lambda _: refreshed(database, sign_in.refresh_token), range(20)))

    assert 1 == len(successors)
    assert [(1, None)] == bar.query("SELECT count(*), max(revoked_at) FROM sessions")
    assert refreshed(database, successors.pop())


def test_a_lost_answer_can_be_asked_for_again(bar: Bar, database: Database, sign_in: SignIn) -> None:
    first = refreshed(database, sign_in.refresh_token)
    bar.change("UPDATE sessions SET rotated_at = rotated_at - interval '18 seconds'")
    assert first == refreshed(database, sign_in.refresh_token)


def test_after_the_grace_a_reuse_ends_the_session_for_everyone(bar: Bar, database: Database, sign_in: SignIn) -> None:
    successor = refreshed(database, sign_in.refresh_token)
    bar.change("UPDATE sessions SET rotated_at = rotated_at - interval '21 seconds'")

    for token in (sign_in.refresh_token, successor):
        with pytest.raises(SessionEnded):
            refreshed(database, token)
    assert [(1,)] == bar.query("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL")


def test_a_token_from_long_ago_ends_the_session_too(database: Database, sign_in: SignIn) -> None:
    last = refreshed(database, refreshed(database, sign_in.refresh_token))
    for token in (sign_in.refresh_token, last):
        with pytest.raises(SessionEnded):
            refreshed(database, token)


def test_a_token_that_we_never_made_ends_nothing(bar: Bar, database: Database, sign_in: SignIn) -> None:
    forger = Sessions(bytes(32), life_seconds=3600)
    with database.connection() as conn:
        forged = forger.open(conn, sign_in.user).refresh_token
    with pytest.raises(SessionEnded):
        refreshed(database, forged)
    assert [(0,)] == bar.query("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL")


def test_a_session_ends_when_it_expires_however_often_it_was_refreshed(
    bar: Bar, database: Database, sign_in: SignIn
) -> None:
    successor = refreshed(database, sign_in.refresh_token)
    bar.change("UPDATE sessions SET expires_at = now()")
    for token in (sign_in.refresh_token, successor):
        with pytest.raises(SessionEnded):
            refreshed(database, token)


@pytest.mark.parametrize("values", ["disabled_at = now()", "password_hash = 'another'"])
def test_who_is_shut_out_by_hand_cannot_refresh(bar: Bar, database: Database, sign_in: SignIn, values: str) -> None:
    bar.change(f"UPDATE users SET {values}")
    bar.change("UPDATE users SET disabled_at = NULL")
    with pytest.raises(SessionEnded):
        refreshed(database, sign_in.refresh_token)


def test_another_role_leaves_the_session_and_shows_in_the_next_token(
    bar: Bar, database: Database, sign_in: SignIn
) -> None:
    bar.change("UPDATE users SET role = 'employee'")
    with database.connection() as conn:
        after = SESSIONS.refresh(conn, sign_in.refresh_token).user
    assert ("employee", sign_in.user.token_epoch + 1) == (after.role, after.token_epoch)


@pytest.mark.parametrize("values", ["disabled_at = now()", "password_hash = 'another'", "role = 'employee'"])
def test_nobody_gets_in_with_rights_that_changed_meanwhile(
    bar: Bar, database: Database, user: User, values: str
) -> None:
    bar.change(f"UPDATE users SET {values}")
    with pytest.raises(RightsChanged):
        opened(database, user)


def test_a_sign_in_waits_for_a_password_change_that_is_under_way(bar: Bar, database: Database, user: User) -> None:
    """Otherwise its session would begin just after all sessions were ended, and outlive the old password."""
    with ThreadPoolExecutor(1) as pool, psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE users SET password_hash = 'another'")
        attempt = pool.submit(opened, database, user)
        eventually(lambda: bar.waiting_for_a_lock() == 1)
        conn.commit()
        with pytest.raises(RightsChanged):
            attempt.result()


def test_a_password_change_waits_for_a_sign_in_that_is_under_way_and_ends_it(
    bar: Bar, database: Database, user: User
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as conn:
            SESSIONS.open(conn, user)
            attempt = pool.submit(bar.change, "UPDATE users SET password_hash = 'another'")
            eventually(lambda: bar.waiting_for_a_lock() == 1)
        attempt.result()
    assert [(0,)] == bar.query("SELECT count(*) FROM sessions WHERE revoked_at IS NULL")


def test_what_ended_long_ago_is_forgotten_at_the_next_sign_in(bar: Bar, database: Database, user: User) -> None:
    kept = [opened(database, user).session_id for _ in range(4)]
    bar.change(f"UPDATE sessions SET revoked_at = now() - interval '2 days' WHERE id = '{kept[0]}'")
    bar.change(f"UPDATE sessions SET expires_at = now() - interval '2 days' WHERE id = '{kept[1]}'")
    bar.change(f"UPDATE sessions SET revoked_at = now() - interval '1 hour' WHERE id = '{kept[2]}'")

    kept.append(opened(database, user).session_id)

    assert set(kept[2:]) == {row[0] for row in bar.query("SELECT id FROM sessions")}
