"""Rows in which the API's own processes fail or are renewed."""

import os
import signal
from collections import Counter

from shakerqueue.failpoints import Failpoint
from tests.chaos.attempts import Outcome, Trouble
from tests.chaos.guests import Manners
from tests.chaos.house import WORKERS, House
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.chaos.witnesses import BY_BROKER

API_POINTS = (Failpoint.PUBLISH, Failpoint.CONFIRM, Failpoint.REPLY, None)


class ApiWorkerDies(Row):
    """The guests whose requests it held repeat them under their keys; the ledger sees that the ids are the same."""

    number = "1"
    title = "API worker dies before publish, confirm, reply"
    fault = "failpoints, kill -9"
    full = Size(5_000, 50, 5)
    small = Size(200, 3)

    def inject(self, scene: Scene, number: int) -> None:
        house, point = scene.house, API_POINTS[number % len(API_POINTS)]
        before = house.api_workers()
        if point:
            house.api_failpoints.arm(point, "kill")
            await_fact(f"{point} fires", lambda: house.api_failpoints.fired(point))
        else:
            os.kill(min(before), signal.SIGKILL)
        if await_fact("the worker is replaced", lambda: _replaced(house, before)):
            scene.saw(f"deaths {point.replace('_', ' ') if point else 'at any moment'}")
        house.await_connected()
        scene.await_growth(BY_BROKER)

    def check(self, scene: Scene) -> list[str]:
        repeated = [order for order in scene.orders if len(order.attempts) > 1 and order.told_ids]
        scene.saw("orders accepted at a repeat", len(repeated))
        return []


def _replaced(house: House, before: set[int]) -> bool:
    now = house.api_workers()
    return len(now) == WORKERS and now != before


class ApiRestarts(Row):
    """A guest who finds nobody asks again; whose order was taken gets an answer.

    Each request has a connection of its own: on a kept one, a request may cross the server's goodbye. What is cut off
    is not repeated here: then, if it is stored, it was accepted and the guest was not told.
    """

    number = "2"
    title = "API rolling restart"
    fault = "TERM to the server, then started again on the same port"
    full = Size(5_000, 10, 5)
    small = Size(300, 2)
    manners = Manners(keep_alive=False, repeats_unknown=False)

    def inject(self, scene: Scene, number: int) -> None:
        house, before = scene.house, scene.house.api.pid
        house.api.restart()
        if house.api.pid != before:
            scene.saw("restarts of the API")
        house.await_connected()
        scene.await_growth(BY_BROKER)

    def check(self, scene: Scene) -> list[str]:
        troubles = Counter(attempt.trouble for attempt in scene.attempts)
        scene.saw("connections refused meanwhile", troubles[Trouble.REFUSED])
        scene.saw("connections cut before the server had read", troubles[Trouble.RESET])
        stored = {row.mark for row in scene.house.stored()}
        cut_off = sum(order.outcome is Outcome.INFO and order.mark in stored for order in scene.orders)
        problems = [] if troubles[Trouble.REFUSED] else ["no guest met a closed door"]
        if cut_off:
            problems.append(f"{cut_off} orders were accepted, and their guests not told")
        if timeouts := troubles[Trouble.TIMEOUT]:
            problems.append(f"{timeouts} requests were never answered")
        return problems
