"""The row in which anything fails at any time, one part after the other."""

import os
import random
import time

from tests.chaos.row import Row, Scene, Size
from tests.chaos.rows import api, both, broker, commit, consumer, database, limits
from tests.chaos.waiting import await_fact

FAULTS: tuple[type[Row], ...] = (
    api.ApiWorkerDies,
    api.ApiRestarts,
    consumer.ConsumerDies,
    consumer.ConsumerHangs,
    broker.BrokerCrashes,
    broker.BrokerStops,
    broker.BrokerHangs,
    limits.Alarms,
    limits.QueueFull,
    limits.Unroutable,
    broker.ConfirmLost,
    consumer.AcknowledgementLost,
    commit.CommitUnknown,
    database.DatabaseRestarts,
    database.DatabaseCrashes,
    database.BackendDies,
    database.DatabaseHangs,
    database.DatabaseRefuses,
    both.BothDown,
)
PAUSE_SECONDS = (1.0, 6.0)
MINUTES = 30


class Soak(Row):
    """Each fault heals before the next begins; every kind is met before one is met again."""

    number = "24"
    title = "soak"
    fault = "any of the above but 17, 19 to 21, at a random moment, one after the other (MINUTES=30)"
    full = Size(50_000, 110, 10)
    small = Size(300, 4)
    proxied = True
    amqp_options = consumer.ConsumerHangs.amqp_options

    def carry_out(self, scene: Scene) -> None:
        until = time.monotonic() + (0 if self.is_small else minutes() * 60 / self.full.slices)
        number = 0
        while number < scene.size.faults or time.monotonic() < until:
            chance = random.Random(scene.earlier_faults + number)
            await_moment(time.monotonic() + chance.uniform(*PAUSE_SECONDS))
            kind = self._kind(scene.earlier_faults + number)
            scene.tell(f"fault {number + 1}: row {kind.number}, {len(scene.orders)} orders")
            kind.inject(scene, scene.earlier_faults + number)
            scene.saw(f"row {kind.number}")
            number += 1
        scene.await_orders(scene.size.orders)

    def _kind(self, number: int) -> Row:
        """A shuffled deck of all kinds, and then another."""
        deck, place = divmod(number, len(FAULTS))
        kinds = random.Random(deck).sample(FAULTS, len(FAULTS))
        return kinds[place](small=True)


def await_moment(moment: float) -> None:
    """Wait until a moment on the monotonic clock: faults come when they come."""
    await_fact("the next fault is due", lambda: time.monotonic() > moment)


def minutes() -> float:
    """How long it lasts at least: MINUTES, 30 if that is not set."""
    return float(os.environ.get("MINUTES") or MINUTES)
