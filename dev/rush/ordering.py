"""Placing an order, and what a guest does who finds the drink sold out."""

from typing import Any

from dev.rush.callers import Caller
from dev.rush.evening import Evening, PlannedOrder
from dev.rush.tally import AnsweredOrder, Tally

SECOND_CHOICE = 2


class Ordering:
    """Places what is planned, and keeps what was answered."""

    def __init__(self, evening: Evening, tally: Tally) -> None:
        self._evening = evening
        self._tally = tally

    async def place(self, caller: Caller, order: PlannedOrder, choice: int = 1) -> str | None:
        """The id of the order, or of the second choice; None where the bar took neither.

        Raises:
            NoAnswer: nobody knows whether there is such an order.
        """
        mark = self._tally.mark_of(order.number, choice)
        expect = ("202", "409 sold_out", "409 bar_closed")
        answer = await caller.ask("POST", "/orders", body=order.json(mark), key=mark, expect=expect)
        if answer.ok:
            return self.accepted(order, answer.json, mark, order.path)
        return await self.refused(caller, order, answer.outcome.rpartition(" ")[2], choice)

    def accepted(self, order: PlannedOrder, said: Any, mark: str, path: str) -> str:
        """Keep an order that was answered 2xx; its id."""
        recipes = tuple(item["recipe"] for item in said["items"])
        id = str(said["id"])
        self._tally.answered(AnsweredOrder(id=id, mark=mark, path=path, table=order.table, recipes=recipes))
        return id

    async def refused(self, caller: Caller, order: PlannedOrder, code: str, choice: int = 1) -> str | None:
        """Order something else where the drink was sold out, once; else leave. As `place`."""
        if code == "sold_out" and choice < SECOND_CHOICE:
            return await self.place(caller, self._evening.second_choice(order), SECOND_CHOICE)
        self._tally.turned_away += 1
        return None
