"""The till, whose line is down for a while: what it took meanwhile goes out as one batch."""

from typing import Any

from dev.rush.callers import NoAnswer, Program
from dev.rush.clock import EveningClock
from dev.rush.evening import PlannedOrder, Span
from dev.rush.ordering import Ordering
from dev.rush.tally import BATCH, Tally

MAX_BATCH = 100
REFUSALS = ("409 sold_out", "409 bar_closed")


class Till:
    """Keeps orders while it is offline, and sends them when it is back."""

    def __init__(self, program: Program, ordering: Ordering, tally: Tally, clock: EveningClock) -> None:
        self.is_offline = False
        self._kept: list[PlannedOrder] = []
        self._program = program
        self._ordering = ordering
        self._tally = tally
        self._clock = clock

    def keep(self, order: PlannedOrder) -> None:
        """Take an order that cannot be sent now."""
        self._kept.append(order)

    async def lose_line(self, span: Span) -> None:
        """Be offline for that time, and catch up. Raises BarClosed."""
        await self._clock.until(span.begins)
        self.is_offline = True
        self._tally.say("trouble", "the till's line is down")
        try:
            await self._clock.until(span.ends)
        finally:
            self.is_offline = False
        self._tally.say("news", f"the till is back, with {len(self._kept)} orders")
        await self._send_kept()

    async def _send_kept(self) -> None:
        while self._kept:
            batch, self._kept = self._kept[:MAX_BATCH], self._kept[MAX_BATCH:]
            try:
                await self._send({self._tally.mark_of(order.number): order for order in batch})
            except NoAnswer:
                self._tally.given_up += len(batch)

    async def _send(self, orders: dict[str, PlannedOrder]) -> None:
        """Send all, and once more those that nobody could take at that moment: each has its key."""
        while orders:
            said = [{"idempotency_key": mark, **order.json(mark)} for mark, order in orders.items()]
            answer = await self._program.ask("POST", "/orders/batch", body={"orders": said})
            if not answer.ok:
                return
            later = [await self._settle(orders[one["idempotency_key"]], one) for one in answer.json["orders"]]
            orders = {self._tally.mark_of(order.number): order for order in later if order}
            if orders:
                await self._clock.rest(1.0)

    async def _settle(self, order: PlannedOrder, outcome: dict[str, Any]) -> PlannedOrder | None:
        """Keep what became of one order; the order itself if it has to be sent again."""
        if outcome["status"] == 503:
            return order
        if outcome["status"] == 202:
            self._ordering.accepted(order, outcome["order"], outcome["idempotency_key"], BATCH)
            return None
        told = f"{outcome['status']} {outcome['error']['code']}"
        if told not in REFUSALS:
            self._tally.unexpected[f"an order of POST /orders/batch: {told}"] += 1
            return None
        await self._ordering.refused(self._program, order, outcome["error"]["code"])
        return None
