"""Rows in which PostgreSQL fails."""

import os
import signal
from contextlib import suppress

import psycopg

from tests.chaos.house import House
from tests.chaos.row import EFFECT_SECONDS, Row, Scene, Size, too_few_ok
from tests.chaos.witnesses import PERSISTED
from tests.support.waiting import eventually

BACKENDS = """
SELECT pid, application_name FROM pg_stat_activity
WHERE application_name LIKE 'shakerqueue%' AND datname = current_database() ORDER BY application_name DESC, pid
"""


def asked(house: House, statement: str) -> list[tuple[object, ...]]:
    """What the database answers; nothing while it is away."""
    with suppress(psycopg.OperationalError):
        return house.query(statement)
    return []


class DatabaseRow(Row):
    """PostgreSQL fails while the broker is there: nobody who orders should notice."""

    full = Size(10_000, 10, 5)
    small = Size(200, 1)

    def inject(self, scene: Scene, number: int) -> None:
        started = scene.house.query("SELECT pg_postmaster_start_time()")
        self.disturb(scene, number)
        if asked(scene.house, "SELECT pg_postmaster_start_time()") != started:
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
            eventually(lambda: postgres.exit_code is not None, EFFECT_SECONDS)
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
        before = {int(str(pid)) for pid, _ in house.query(BACKENDS)}
        os.kill(sorted(before)[number % len(before)], signal.SIGKILL)
        after = eventually(lambda: {int(str(pid)) for pid, _ in asked(house, BACKENDS)}, EFFECT_SECONDS)
        scene.saw("backends that PostgreSQL ended", len(before - after))
        scene.await_growth(PERSISTED)
