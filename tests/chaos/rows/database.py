"""Rows in which PostgreSQL fails. The broker is there all the time: nobody who orders should notice."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

import httpx
import psycopg

from tests.chaos.guests import Manners, sign_in
from tests.chaos.house import House
from tests.chaos.row import Row, Scene, Size, too_few_ok, too_slow
from tests.chaos.servers import Servers, freeze, frozen, resume
from tests.chaos.waiting import await_fact
from tests.chaos.witnesses import PAUSES, PERSISTED, READ_ONLY

LEAST_OK = 0.99
SLOTS_POLL_SECONDS = 0.3
SLOT_RACES = 50
MOST_SECONDS = 3.0
STARTED = "SELECT pg_postmaster_start_time()"
BACKENDS = """
SELECT pid FROM pg_stat_activity
WHERE application_name LIKE 'shakerqueue%' AND datname = current_database() ORDER BY application_name DESC, pid
"""
END_BACKENDS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'shakerqueue%' AND datname = current_database()
"""


def asked(house: House, statement: str) -> list[tuple[object, ...]]:
    """What the database answers; nothing while it is away."""
    with suppress(psycopg.OperationalError):
        return house.query(statement)
    return []


def backends(house: House) -> set[int]:
    """The process ids of the backends that serve the product; none while the database is away."""
    return {int(str(pid)) for (pid,) in asked(house, BACKENDS)}


class DatabaseRow(Row):
    """PostgreSQL is restarted in one way or another."""

    full = Size(10_000, 10, 5)
    small = Size(200, 1)

    def inject(self, scene: Scene, number: int) -> None:
        started = scene.house.query(STARTED)
        self.disturb(scene, number)
        if asked(scene.house, STARTED) != started:
            scene.saw("restarts of PostgreSQL")
        scene.await_growth(PERSISTED)

    def disturb(self, scene: Scene, number: int) -> None:
        """Break it, and have it back at the end."""
        raise NotImplementedError

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, 1.0)


class DatabaseRestarts(DatabaseRow):
    """All clients are disconnected, everything is in order."""

    number = "14a"
    title = "PostgreSQL restarts"
    fault = "fast shutdown, then started again"

    def disturb(self, scene: Scene, number: int) -> None:
        scene.house.servers.postgres.restart()


class DatabaseCrashes(DatabaseRow):
    """It recovers from its log when it starts again."""

    number = "14b"
    title = "PostgreSQL crashes"
    fault = "immediate shutdown and kill -9 of all its processes in turn, then started again"
    small = Size(300, 2)

    def disturb(self, scene: Scene, number: int) -> None:
        postgres = scene.house.servers.postgres
        if number % 2:
            os.kill(postgres.pid, signal.SIGQUIT)
            await_fact("PostgreSQL ends", lambda: postgres.exit_code is not None)
        else:
            postgres.kill()
        postgres.start()


class BackendDies(DatabaseRow):
    """One dead backend makes the server end all others and recover."""

    number = "14c"
    title = "one PostgreSQL backend dies"
    fault = "kill -9 of one of the product's backends"
    small = Size(200, 2)

    def inject(self, scene: Scene, number: int) -> None:
        house = scene.house
        before = backends(house)
        os.kill(sorted(before)[number % len(before)], signal.SIGKILL)
        after = await_fact("the product has new backends", lambda: backends(house) - before)
        scene.saw("backends that PostgreSQL ended", len(before - after))
        scene.await_growth(PERSISTED)


class DatabaseHangs(Row):
    """It keeps its connections and says nothing, and its own time-outs stand still with it."""

    number = "15"
    title = "PostgreSQL hangs"
    fault = "STOP to the postmaster and all its children for 20 s"
    full = Size(5_000, 3, 3)
    small = Size(200, 1)
    growing = (PAUSES,)
    full_hang_seconds, small_hang_seconds = 20.0, 6.0

    def inject(self, scene: Scene, number: int) -> None:
        postgres = scene.house.servers.postgres
        hang_seconds = self.small_hang_seconds if self.is_small else self.full_hang_seconds
        until = time.monotonic() + hang_seconds
        try:
            freeze(postgres)
            await_fact("the hang is over", lambda: time.monotonic() > until)
            scene.saw("processes of PostgreSQL that stood still", frozen(postgres))
        finally:
            resume(postgres)
        scene.await_growth(PERSISTED)

    def check(self, scene: Scene) -> list[str]:
        return too_slow(scene.attempts, MOST_SECONDS) + too_few_ok(scene.attempts, LEAST_OK)


class DatabaseRefuses(Row):
    """Neither is the fault of an order: both pass, and until then the consumer waits."""

    number = "16"
    title = "PostgreSQL is read-only; is out of connections"
    fault = "default_transaction_read_only; every connection slot taken, the product's backends ended"
    full = Size(5_000, 4, 2)
    small = Size(200, 2)
    growing = (PAUSES, READ_ONLY)

    def inject(self, scene: Scene, number: int) -> None:
        if number % 2:
            self._run_out_of_connections(scene)
        else:
            with _read_only(scene.house.servers):
                scene.await_growth(PAUSES, READ_ONLY, by=2)
                scene.saw("times read-only")
        scene.await_growth(PERSISTED)

    def _run_out_of_connections(self, scene: Scene) -> None:
        pauses = PAUSES.read(scene.house)
        with ExitStack() as held:
            await_fact("every slot is taken", lambda: _has_none(scene.house, held), poll_seconds=SLOTS_POLL_SECONDS)
            await_fact(
                "the consumer waits",
                lambda: _has_none(scene.house, held) and PAUSES.read(scene.house) >= pauses + 2,
                poll_seconds=SLOTS_POLL_SECONDS,
            )
            scene.saw("times out of connections")

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, 1.0)


@contextmanager
def _read_only(servers: Servers) -> Iterator[None]:
    servers.administer("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        servers.administer("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")


def _has_none(house: House, held: ExitStack) -> bool:
    """Whether the product has no connection once every free slot is taken; it loses those that it has.

    A slot is free only some time after its backend ended, and who asks first gets it: so at once, and again and again.
    """
    for _ in range(SLOT_RACES):
        _take_free_slots(house, held)
        if not backends(house):
            return True
        asked(house, END_BACKENDS)
    return False


def _take_free_slots(house: House, held: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            held.enter_context(psycopg.connect(house.database_url, connect_timeout=10))


class DatabaseAway(Row):
    """Orders are taken all the time, and wait in the queue; afterwards the bar works them off in their order."""

    number = "17"
    title = "PostgreSQL is away for five minutes"
    fault = "stopped for 5 min"
    full = Size(20_000, 1)
    small = Size(200, 1)
    manners = Manners(orders_per_second=60)
    growing = (PAUSES,)
    full_away_seconds, small_away_seconds = 300.0, 5.0
    full_claims, small_claims = 1000, 40

    def inject(self, scene: Scene, number: int) -> None:
        postgres = scene.house.servers.postgres
        away_seconds = self.small_away_seconds if self.is_small else self.full_away_seconds
        postgres.stop()
        until = time.monotonic() + away_seconds
        before = len(scene.orders)
        await_fact("the outage is over", lambda: time.monotonic() > until, 2 * away_seconds)
        scene.saw("orders while it was away", len(scene.orders) - before)
        postgres.start()
        scene.await_growth(PERSISTED)

    def check(self, scene: Scene) -> list[str]:
        problems = too_few_ok(scene.attempts, 1.0)
        claims = self.small_claims if self.is_small else self.full_claims
        due = [claimed_due_at(client) for client in _bartenders(scene.house, claims)]
        scene.saw("drinks claimed afterwards", len(due))
        if due != sorted(due):
            problems.append("drinks were not claimed in the order of their deadlines")
        return problems


def _bartenders(house: House, claims: int) -> Iterator[httpx.Client]:
    """A bartender's client, so many times."""
    headers = sign_in(house.api.url, "bartender@example.com").headers
    with httpx.Client(base_url=house.api.url, headers=headers, timeout=10) as client:
        # A process that missed what was revoked lets nobody act as staff; it has read it a moment later.
        await_fact("the staff may act", lambda: client.get("/queue").status_code == httpx.codes.OK)
        for _ in range(claims):
            yield client


def claimed_due_at(client: httpx.Client) -> datetime:
    """Claim one drink; when it is due."""
    answer = client.post("/queue/claim", json={"max": 1})
    assert httpx.codes.OK == answer.status_code, answer.text
    return datetime.fromisoformat(answer.json()["items"][0]["due_at"])
