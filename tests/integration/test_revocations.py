"""Revocations: what one process changes another knows, without asking for each request."""

from collections.abc import Iterator
from time import monotonic
from uuid import UUID, uuid4

import pytest

from dev.postgres import PrivatePostgres
from shakerqueue.following import Follower
from shakerqueue.revocations import STALE_SECONDS, WITHIN_SECONDS, Revocations
from tests.support.bar import Bar
from tests.support.databases import closed_to_all
from tests.support.waiting import eventually

ABOUT_A_SECOND = 1.5


@pytest.fixture
def revocations(bar: Bar) -> Iterator[Revocations]:
    revocations = Revocations()
    assert revocations.stale  # nothing is known yet
    follower = Follower(bar.database_url, [revocations])
    follower.start()
    eventually(lambda: not revocations.stale)
    yield revocations
    follower.stop()


def user_id(bar: Bar) -> UUID:
    [(found,)] = bar.query("SELECT id FROM users WHERE username = 'user'")
    assert isinstance(found, UUID)
    return found


def open_session(bar: Bar) -> UUID:
    session_id = uuid4()
    bar.change(
        "INSERT INTO sessions (id, user_id, token_hash, expires_at)"
        f" SELECT '{session_id}', id, sha256('x'), now() + interval '1 hour' FROM users WHERE username = 'user'",
    )
    return session_id


@pytest.mark.parametrize("values", ["role = 'employee'", "disabled_at = now()", "password_hash = 'another'"])
def test_a_change_of_rights_revokes_older_tokens_only(bar: Bar, revocations: Revocations, values: str) -> None:
    user, session = user_id(bar), uuid4()
    assert not revocations.cover(user_id=user, token_epoch=1, session_id=session)

    bar.change(f"UPDATE users SET {values} WHERE username = 'user'")

    eventually(lambda: revocations.cover(user_id=user, token_epoch=1, session_id=session), ABOUT_A_SECOND)
    assert not revocations.cover(user_id=user, token_epoch=2, session_id=session)
    assert not revocations.cover(user_id=uuid4(), token_epoch=1, session_id=session)


def test_what_is_no_change_of_rights_revokes_nothing(bar: Bar) -> None:
    bar.change("UPDATE users SET username = username || 'x', role = role, updated_at = now()")
    assert [(1, 0)] == bar.query("SELECT max(token_epoch), count(token_epoch_began_at) FROM users")


def test_the_end_of_a_session_revokes_its_tokens_only(bar: Bar, revocations: Revocations) -> None:
    user, ended, other = user_id(bar), open_session(bar), open_session(bar)

    bar.change(f"UPDATE sessions SET revoked_at = now() WHERE id = '{ended}'")

    eventually(lambda: revocations.cover(user_id=user, token_epoch=1, session_id=ended), ABOUT_A_SECOND)
    assert not revocations.cover(user_id=user, token_epoch=1, session_id=other)


def test_a_notification_that_is_lost_costs_a_second_and_no_more(bar: Bar, revocations: Revocations) -> None:
    ended = open_session(bar)
    bar.change("DROP TRIGGER sessions_notify_revocations_changed ON sessions")

    bar.change(f"UPDATE sessions SET revoked_at = now() WHERE id = '{ended}'")

    eventually(lambda: revocations.cover(user_id=user_id(bar), token_epoch=1, session_id=ended), ABOUT_A_SECOND)


def test_what_no_token_can_be_older_than_is_forgotten(bar: Bar, revocations: Revocations) -> None:
    ended, remembered = open_session(bar), open_session(bar)
    bar.change(f"UPDATE sessions SET revoked_at = now() WHERE id IN ('{ended}', '{remembered}')")
    bar.change("UPDATE users SET role = 'employee' WHERE username = 'user'")
    eventually(lambda: revocations._sessions == {ended, remembered} and revocations._epochs)

    past = f"now() - interval '{WITHIN_SECONDS + 1} seconds'"
    bar.change(f"UPDATE users SET token_epoch_began_at = {past}")
    bar.change(f"UPDATE sessions SET revoked_at = {past} WHERE id = '{ended}'")

    eventually(lambda: revocations._sessions == {remembered} and not revocations._epochs)


def test_nothing_is_known_for_sure_while_the_database_is_away(
    bar: Bar, revocations: Revocations, postgres: PrivatePostgres
) -> None:
    ended = open_session(bar)
    bar.change(f"UPDATE sessions SET revoked_at = now() WHERE id = '{ended}'")
    eventually(lambda: ended in revocations._sessions)

    with closed_to_all(bar, postgres):
        began = monotonic()
        eventually(lambda: revocations.stale, STALE_SECONDS + 1)
        assert monotonic() - began > STALE_SECONDS - 2  # a poll's age and some slack
        assert ended in revocations._sessions  # what was known stays known

    eventually(lambda: not revocations.stale)
