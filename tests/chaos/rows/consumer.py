"""Rows in which the consumer, or its connection to the broker, fails."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from shakerqueue.failpoints import Failpoint
from tests.chaos.proxy import Way
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.chaos.wire import AMQP_ACK
from tests.chaos.witnesses import KNOWN, PERSISTED, REDELIVERED

CONSUMER_POINTS = (Failpoint.ACK, Failpoint.COMMIT, Failpoint.INSERT, None)


class ConsumerDies(Row):
    """With a commit between two kills: else the same messages would be there at each of them, and look like poison."""

    number = "3"
    title = "consumer dies before insert, commit, acknowledgement"
    fault = "failpoints, kill -9"
    full = Size(10_000, 60, 10)
    small = Size(300, 4)
    growing = (REDELIVERED, KNOWN)

    def inject(self, scene: Scene, number: int) -> None:
        house, point = scene.house, CONSUMER_POINTS[number % len(CONSUMER_POINTS)]
        deaths = len(house.consumer.deaths)
        if point:
            house.consumer_failpoints.arm(point, "kill")
        else:
            os.kill(house.consumer.pid, signal.SIGKILL)
        await_fact("the consumer dies", lambda: len(house.consumer.deaths) > deaths)
        if point is None or house.consumer_failpoints.fired(point):
            scene.saw(f"deaths {point.replace('_', ' ') if point else 'at any moment'}")
        if house.consumer.deaths[deaths:] != [-signal.SIGKILL]:
            scene.problems.append(f"the consumer ended with {house.consumer.deaths[deaths:]}, not by the kill alone")
        scene.await_growth(PERSISTED)


class ConsumerHangs(Row):
    """The broker takes it for dead, and the orders back; it wakes up with them in its hands."""

    number = "4"
    title = "consumer hangs past its heartbeat"
    fault = "STOP for three heartbeats of 5 s"
    full = Size(2_000, 4, 2)
    small = Size(200, 1)
    amqp_options = "?heartbeat=5"
    growing = (REDELIVERED,)
    hang_seconds = 16.0

    def inject(self, scene: Scene, number: int) -> None:
        pid, redelivered = scene.house.consumer.pid, REDELIVERED.read(scene.house)
        until = time.monotonic() + self.hang_seconds
        with stopped(pid):
            await_fact("the hang is over", lambda: time.monotonic() > until)
            scene.saw("hangs of the consumer", psutil.Process(pid).status() == psutil.STATUS_STOPPED)
        scene.await_totals({REDELIVERED: redelivered + 1})
        scene.await_growth(PERSISTED)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process that stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class AcknowledgementLost(Row):
    """Committed, and the broker never hears so: everything unacknowledged comes again."""

    number = "12"
    title = "acknowledgement lost"
    fault = "TCP proxy swallows what the consumer sends from an acknowledgement on, then resets"
    full = Size(5_000, 30, 5)
    small = Size(200, 3)
    proxied = True
    growing = (REDELIVERED, KNOWN)

    def inject(self, scene: Scene, number: int) -> None:
        proxy = scene.house.proxies.consumer_broker
        sprung, dropped = proxy.passed.traps_sprung, proxy.dropped_bytes[Way.TO_SERVER]
        proxy.set_trap(AMQP_ACK, drop=Way.TO_SERVER)
        await_fact("an acknowledgement comes by", lambda: proxy.passed.traps_sprung > sprung)
        known = KNOWN.read(scene.house)
        proxy.reset()
        if proxy.dropped_bytes[Way.TO_SERVER] > dropped:
            scene.saw("acknowledgements swallowed")
        scene.await_totals({KNOWN: known + 1})
        scene.await_growth(PERSISTED)
