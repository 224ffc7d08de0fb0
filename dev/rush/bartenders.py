"""Bartenders: they claim what is due first with others of its recipe, make it, and tap it done. Nobody is perfect."""

from random import Random
from typing import Any, NamedTuple

from dev.rush.callers import NoAnswer, Person
from dev.rush.clock import BarClosed, EveningClock
from dev.rush.house import Drink
from dev.rush.tally import Tally
from seed.past_orders import FAILURES, PREP_SECONDS

AT_ONCE = 4
EACH_MORE = 0.3  # what another drink of the same recipe adds to the time of the first
SWIFTEST, SLOWEST = 0.75, 1.25
FAILED = 0.012
RECALLED = 0.015  # a wrong tap, or a drink that goes back
IDLE_SECONDS = 0.5  # ours, between two looks for work


class Work(NamedTuple):
    """A drink in hand."""

    order_id: str
    number: int

    def path(self, verb: str) -> str:
        """Where to say what becomes of it."""
        return f"/orders/{self.order_id}/items/{self.number}/{verb}"


class Bartender:
    """One of them, from the opening to the end."""

    def __init__(self, person: Person, menu: tuple[Drink, ...], tally: Tally, clock: EveningClock, seed: int) -> None:
        self._person = person
        self._prep_seconds = {drink.name: drink.prep_seconds for drink in menu}
        self._tally = tally
        self._clock = clock
        self._random = Random(seed)  # noqa: S311 - chance in a simulation guards nothing
        self._in_hand: list[Work] = []
        self._is_unsure = False  # whether there may be more in hand than it knows of

    async def work(self) -> None:
        """Make drinks until the bar closes, and give back then what is in hand."""
        try:
            while True:
                await self._turn()
        except BarClosed:
            for work in self._in_hand:
                await self._person.ask("POST", work.path("release"))

    async def _turn(self) -> None:
        try:
            drinks = await (self._look_for_own() if self._is_unsure else self._claim())
            self._is_unsure = False
            if drinks:
                await self._make(drinks)
            else:
                await self._clock.rest(IDLE_SECONDS)
        except NoAnswer:
            self._is_unsure = True
            await self._clock.rest(IDLE_SECONDS)

    async def _claim(self) -> list[dict[str, Any]]:
        """Asked once: an answer that is lost may have been a claim, which is looked for instead of made twice."""
        body = {"max": AT_ONCE}
        answer = await self._person.ask("POST", "/queue/claim", body=body, expect=("200", "204"), patient=False)
        drinks: list[dict[str, Any]] = answer.json["items"] if answer.outcome == "200" else []
        for drink in drinks:
            self._tally.started(drink)
        return drinks

    async def _look_for_own(self) -> list[dict[str, Any]]:
        """What a claim without an answer, or a turn that was broken off, left in hand."""
        queue = await self._person.need("GET", "/queue")
        return [drink for drink in queue["items"] if drink["claimed_by"] == self._person.id]

    async def _make(self, drinks: list[dict[str, Any]]) -> None:
        self._in_hand = [Work(drink["order_id"], drink["number"]) for drink in drinks]
        await self._clock.spend(self._seconds(drinks[0]["recipe"]["name"], len(drinks)))
        while self._in_hand:
            await self._finish(self._in_hand[0])
            self._in_hand.pop(0)

    def _seconds(self, recipe: str, drinks: int) -> float:
        prep_seconds = self._prep_seconds.get(recipe, PREP_SECONDS)
        return prep_seconds * (1 + EACH_MORE * (drinks - 1)) * self._random.uniform(SWIFTEST, SLOWEST)

    async def _finish(self, work: Work) -> None:
        if self._random.random() < FAILED:
            await self._person.ask("POST", work.path("fail"), body={"reason": self._random.choice(FAILURES)})
            return
        await self._complete(work)
        if self._random.random() < RECALLED:
            await self._person.ask("POST", work.path("recall"))
            await self._clock.spend(PREP_SECONDS)
            await self._complete(work)

    async def _complete(self, work: Work) -> None:
        answer = await self._person.ask("POST", work.path("complete"))
        if answer.ok:
            self._tally.made.beat(self._clock.seconds)
