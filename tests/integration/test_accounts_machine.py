"""Random weeks of accounts: whoever may in by a model of a few lines is in, and nobody else."""

from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shakerqueue.accounts import LastAdmin, add_person, change_rights
from shakerqueue.database import Database
from shakerqueue.queries import sessions as session_queries
from shakerqueue.queries import users
from shakerqueue.queries.models import User, UserRole
from shakerqueue.revocations import Revocations
from shakerqueue.roles import STAFF
from shakerqueue.sessions import SessionEnded, Sessions
from tests.support.bar import Bar

PEOPLE = (UserRole.CUSTOMER, UserRole.EMPLOYEE, UserRole.ADMIN)


@dataclass
class Person:
    """Somebody as the model knows them; `epoch` counts changes of role, password and whether they may in."""

    id: UUID
    role: UserRole
    disabled: bool = False
    epoch: int = 1
    has_pin: bool = False

    @property
    def may_switch(self) -> bool:
        return self.role in STAFF and not self.disabled and self.has_pin


@dataclass(eq=False)
class Device:
    """One sign-in: its refresh tokens, the good one last, and the epoch of each access token made.

    One that was opened by PIN has the one that it was opened on as its parent.
    """

    owner: Person
    session_id: UUID
    refresh_tokens: list[str]
    alive: bool = True
    access_tokens: list[int] = field(default_factory=list)
    parent: "Device | None" = None

    @property
    def role(self) -> UserRole:
        return UserRole.EMPLOYEE if self.parent and self.owner.role is UserRole.ADMIN else self.owner.role


class Week(RuleBasedStateMachine):
    """People register, sign in on devices, take turns at them, refresh, sign out, and are administered."""

    database: Database
    sessions: Sessions
    names: "count[int]"

    def __init__(self) -> None:
        super().__init__()
        self.people: list[Person] = []
        self.devices: list[Device] = []
        with self.database.connection() as conn:
            conn.execute("DELETE FROM sessions")
            conn.execute("DELETE FROM users")
        for role in (UserRole.ADMIN, UserRole.EMPLOYEE):
            self._set_pin(self._add(role), has_pin=True)

    def _add(self, role: UserRole) -> Person:
        name = f"person-{next(self.names)}"
        with self.database.connection() as conn:
            user = add_person(conn, username=name, email=f"{name}@example.com", password_hash="x", role=role)
        person = Person(user.id, role)
        self.people.append(person)
        return person

    def _set_pin(self, person: Person, *, has_pin: bool) -> None:
        user = self._user(person)
        pin_hash = f"{user.pin_hash}x" if has_pin else None
        with self.database.connection() as conn:
            done = users.set_pin(conn, id=person.id, token_epoch=user.token_epoch, pin_hash=pin_hash)
        assert bool(done) == (not person.disabled)
        if done and (has_pin or person.has_pin):
            self._end_devices(person, by_pin_only=True)
            person.has_pin = has_pin

    def _user(self, person: Person) -> User:
        with self.database.connection() as conn:
            user = users.get_user(conn, id=person.id)
        assert user is not None
        return user

    def _end(self, ended: Device) -> None:
        for device in self.devices:
            device.alive = device.alive and ended not in (device, device.parent)

    def _end_devices(self, person: Person, *, by_pin_only: bool = False) -> None:
        for device in self.devices:
            if device.owner is person and (device.parent or not by_pin_only):
                self._end(device)

    @rule(role=st.sampled_from(PEOPLE))
    def somebody_comes(self, role: UserRole) -> None:
        self._add(role)

    @rule(data=st.data())
    def somebody_signs_in(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people))
        user = self._user(person)
        if user.disabled_at is not None:
            return  # the log-in refuses them before a session is opened
        with self.database.transaction() as conn:
            opened = self.sessions.open(conn, user)
        device = Device(person, opened.session_id, [opened.refresh_token], access_tokens=[user.token_epoch])
        self.devices.append(device)

    @precondition(lambda self: self.devices)
    @rule(data=st.data(), age=st.integers(0, 2))
    def a_device_refreshes(self, data: st.DataObject, age: int) -> None:
        """With its good token, the one before (an answer was lost), or an older one (somebody stole it)."""
        device = data.draw(st.sampled_from(self.devices))
        age = min(age, len(device.refresh_tokens) - 1)
        presented = device.refresh_tokens[-1 - age]
        try:
            with self.database.connection() as conn:
                answer = self.sessions.refresh(conn, presented)
        except SessionEnded:
            assert not device.alive or age > 1
            self._end(device)
            return
        assert device.alive
        assert age <= 1
        if age == 0:
            device.refresh_tokens.append(answer.refresh_token)
        assert device.refresh_tokens[-1] == answer.refresh_token
        assert (device.owner.role, device.role) == (answer.user.role, answer.role)
        device.access_tokens.append(answer.user.token_epoch)

    @precondition(lambda self: self.devices)
    @rule(data=st.data())
    def a_device_signs_out(self, data: st.DataObject) -> None:
        device = data.draw(st.sampled_from(self.devices))
        with self.database.connection() as conn:
            session_queries.revoke_session(conn, id=device.session_id)
        self._end(device)

    @rule(data=st.data(), has_pin=st.booleans())
    def somebody_changes_the_pin(self, data: st.DataObject, has_pin: bool) -> None:
        self._set_pin(data.draw(st.sampled_from(self.people)), has_pin=has_pin)

    @precondition(lambda self: any(device.alive and device.owner.role in STAFF for device in self.devices))
    @rule(data=st.data())
    def a_device_is_switched(self, data: st.DataObject) -> None:
        asking = data.draw(st.sampled_from([one for one in self.devices if one.alive and one.owner.role in STAFF]))
        person = data.draw(st.sampled_from(self.people))
        with self.database.transaction() as conn:
            root_id = session_queries.get_root_session_id(conn, id=asking.session_id)
            colleague = users.get_colleague(conn, id=person.id)
            assert (colleague is not None) == person.may_switch
            assert root_id is not None
            if colleague is None:
                return
            opened = self.sessions.open_by_pin(conn, colleague, root_id)
        self._take_turn(asking.parent or asking, Device(person, opened.session_id, [opened.refresh_token]))

    def _take_turn(self, root: Device, turn: Device) -> None:
        for device in self.devices:
            device.alive = device.alive and device.parent is not root
        turn.parent = root
        turn.access_tokens.append(turn.owner.epoch)
        self.devices.append(turn)

    @rule(data=st.data(), role=st.none() | st.sampled_from(PEOPLE), disabled=st.none() | st.booleans())
    def an_admin_changes_rights(self, data: st.DataObject, role: UserRole | None, disabled: bool | None) -> None:
        person = data.draw(st.sampled_from(self.people))
        admins = [one for one in self.people if one.role is UserRole.ADMIN and not one.disabled]
        takes_away = disabled or role not in (None, UserRole.ADMIN)
        try:
            with self.database.transaction() as conn:
                change_rights(conn, person.id, role=role, disabled=disabled)
        except LastAdmin:
            assert [person] == admins
            assert takes_away
            return
        assert not (takes_away and [person] == admins)
        self._take_in(person, role, disabled)

    def _take_in(self, person: Person, role: UserRole | None, disabled: bool | None) -> None:
        left_staff = person.role in STAFF and role is UserRole.CUSTOMER
        shut_out = left_staff or (bool(disabled) and not person.disabled)
        changed = (role is not None and role != person.role) or (disabled is not None and disabled != person.disabled)
        person.role = role or person.role
        person.disabled = person.disabled if disabled is None else disabled
        person.epoch += changed
        if shut_out:
            self._end_devices(person)

    @rule(data=st.data())
    def somebody_changes_the_password(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people))
        user = self._user(person)
        with self.database.connection() as conn:
            done = users.update_password(
                conn, id=person.id, password_hash=f"{user.password_hash}x", token_epoch=user.token_epoch
            )
        assert (done is None) == person.disabled  # who may not in changes nothing
        if person.disabled:
            return
        person.epoch += 1
        self._end_devices(person)

    @invariant()
    def access_tokens_are_good_as_long_as_their_session_and_their_rights(self) -> None:
        revocations = Revocations()
        with self.database.connection() as conn:
            revocations.read(conn)
        for device in self.devices:
            for epoch in device.access_tokens:
                revoked = revocations.cover(user_id=device.owner.id, token_epoch=epoch, session_id=device.session_id)
                assert revoked == (not device.alive or epoch < device.owner.epoch)

    @invariant()
    def the_sessions_that_go_on_are_those_of_the_devices_that_are_in(self) -> None:
        with self.database.connection() as conn:
            going_on = {row[0] for row in conn.execute("SELECT id FROM sessions WHERE revoked_at IS NULL")}
        assert {device.session_id for device in self.devices if device.alive} == going_on

    @invariant()
    def somebody_can_administer(self) -> None:
        with self.database.transaction() as conn:
            assert users.lock_enabled_admins(conn)


def test_any_week_of_accounts_is_as_the_model_says(bar: Bar) -> None:
    Week.database = Database(bar.database_url, pool_size=1, application_name="tests")
    Week.database.start()
    Week.sessions = Sessions(bytes(range(32)), life_seconds=3600)
    Week.names = count()

    # The same ones each time: a landing must not hang on chance.
    quick = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Week, settings=quick)

    Week.database.stop()
