"""Those who order: each at the planned time and by the planned path. Some think better of it."""

import asyncio

from dev.rush.callers import Caller, NoAnswer
from dev.rush.clock import BarClosed, EveningClock
from dev.rush.evening import Evening, Path, PlannedOrder
from dev.rush.house import House
from dev.rush.ordering import Ordering
from dev.rush.tally import Tally
from dev.rush.till import Till


class Guests:
    """All who come on this evening."""

    def __init__(self, house: House, ordering: Ordering, till: Till, tally: Tally, clock: EveningClock) -> None:
        self._house = house
        self._ordering = ordering
        self._till = till
        self._tally = tally
        self._clock = clock

    async def come(self, evening: Evening) -> None:
        """Let everybody order, and wait until the last one has.

        Raises:
            BarClosed: before all of them came. Whoever was ordering has been answered all the same.
        """
        visits: list[asyncio.Task[None]] = []
        try:
            for order in evening.orders:
                await self._clock.until(order.at_seconds)
                visits.append(asyncio.create_task(self._visit(order)))
        finally:
            await asyncio.gather(*visits)

    async def _visit(self, order: PlannedOrder) -> None:
        if order.path is Path.TILL and self._till.is_offline:
            self._till.keep(order)
            return
        try:
            await self._order(self._caller(order), order)
        except NoAnswer:
            self._tally.given_up += 1
        except BarClosed:
            return

    async def _order(self, caller: Caller, order: PlannedOrder) -> None:
        order_id = await self._ordering.place(caller, order)
        if order_id and order.cancel_after_seconds is not None:
            await self._clock.spend(order.cancel_after_seconds)
            # Refused, it is too late: all is in somebody's hands, made, or given up by the bar.
            await caller.ask("POST", f"/orders/{order_id}/cancel", expect=("200", "409 invalid_transition"))

    def _caller(self, order: PlannedOrder) -> Caller:
        if order.path is Path.TABLE:
            return self._house.table_guests[order.table - 1]
        return self._house.till if order.path is Path.TILL else self._house.guest
