"""One night, from the opening to the reckoning."""

import asyncio
import secrets
import signal
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta

from dev.rush import floor, picture, shows
from dev.rush.bartenders import Bartender
from dev.rush.callers import NoAnswer, Product
from dev.rush.clock import BarClosed, EveningClock
from dev.rush.evening import PICTURE_AT, Evening, plan_evening
from dev.rush.guests import Guests
from dev.rush.house import House, open_house
from dev.rush.looking import look
from dev.rush.ordering import Ordering
from dev.rush.reckoning import cancel_open, reckon
from dev.rush.settings import Settings
from dev.rush.summary import is_good, summary
from dev.rush.tally import Tally
from dev.rush.till import Till
from dev.rush.view import View
from dev.rush.watching import QUEUE_LOOK_SECONDS, Watch

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CLEARING_SECONDS = 45 * 60.0  # of the evening: how long the bar works off what is left when nobody comes any more
SHORTEST_CLEARING_SECONDS = 10.0  # ours: requests do not go faster in a fast evening
QUIET_LOOKS = 3  # at an empty queue in a row: what was just ordered is stored by then
CLOCKS_APART = timedelta(minutes=5)  # at most, between this machine and the product's


class Night:
    """Runs an evening against a product. Ctrl-C is closing time."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self._settings = settings
        self._clock = EveningClock(settings.speed)
        self._tally = Tally(self._clock, mark=f"rush-{secrets.token_hex(4)}")
        self._product = Product(base_url, self._tally)
        self._since = (datetime.now(UTC) - CLOCKS_APART).isoformat()

    async def run(self) -> int:
        """The whole night; 0 if it was as it should be, else 1.

        Raises:
            Refused: the product does not offer what a night needs.
        """
        self._close_on_signals()
        async with open_house(self._product, self._settings.bartenders) as house:
            evening = plan_evening(
                [drink.name for drink in house.menu],
                seconds=self._settings.evening_seconds,
                guests_per_hour=self._settings.guests_per_hour,
                seed=self._settings.seed,
            )
            await self._live(house, evening)
            left_open = await cancel_open(house.manager, self._tally, self._since)
            reckoning = await reckon(house.manager, self._tally, self._since)
        print(f"The night is over.\n{summary(self._tally, reckoning, left_open)}", flush=True)
        return 0 if is_good(self._tally, reckoning) else 1

    def _close_on_signals(self) -> None:
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._clock.closed.set)

    async def _live(self, house: House, evening: Evening) -> None:
        """Everybody does their part until the bar closes; whoever fails ends the night for all."""
        watch = Watch(house, self._tally, self._clock)
        ordering = Ordering(evening, self._tally)
        till = Till(house.till, ordering, self._tally, self._clock)
        guests = Guests(house, ordering, till, self._tally, self._clock)
        self._clock.open()
        await self._together(
            self._serve(guests, till, evening, watch),
            floor.run_out(house.manager, evening.sold_out, evening.sold_out_span, self._tally, self._clock),
            floor.Waiter(house.waiter, self._clock).work(),
            *(self._bartender(house, number).work() for number in range(len(house.bartenders))),
            watch.follow_queue(),
            watch.follow_parts(),
            watch.follow_events(),
            self._show(house, evening, watch),
        )

    def _bartender(self, house: House, number: int) -> Bartender:
        seed = self._settings.seed + number
        return Bartender(house.bartenders[number], house.menu, self._tally, self._clock, seed)

    async def _serve(self, guests: Guests, till: Till, evening: Evening, watch: Watch) -> None:
        """Guests come, the bar clears, and closes."""
        await self._together(guests.come(evening), till.lose_line(evening.till_offline))
        await self._clear(watch)
        self._clock.closed.set()

    async def _clear(self, watch: Watch) -> None:
        """Wait until nothing is left to make, but not for ever."""
        clearing_seconds = max(CLEARING_SECONDS, SHORTEST_CLEARING_SECONDS * self._clock.speed)
        clears_until = self._clock.seconds + clearing_seconds
        empty_looks = 0
        while empty_looks < QUIET_LOOKS and self._clock.seconds < clears_until:
            await self._clock.rest(QUEUE_LOOK_SECONDS)
            empty_looks = 0 if watch.seen.open_drinks else empty_looks + 1

    async def _show(self, house: House, evening: Evening, watch: Watch) -> None:
        began, pictured = time.monotonic(), False
        with shows.opened() as show:
            while True:
                view = look(evening, self._clock, self._tally, watch.seen, house, time.monotonic() - began)
                show.show(view)
                pictured = pictured or self._picture(view)
                await self._clock.rest(show.seconds)

    def _picture(self, view: View) -> bool:
        """Write the picture once it is time for it, if one is wanted."""
        if self._settings.picture is None or view.progress < PICTURE_AT:
            return False
        picture.write_picture(view, self._settings.picture)
        return True

    async def _together(self, *parts: Coroutine[None, None, None]) -> None:
        """All parts to their ends. One that breaks closes the bar, and its error is raised once all have ended."""
        tasks = [asyncio.create_task(self._part(part)) for part in parts]
        await asyncio.wait(tasks)
        for task in tasks:
            task.result()

    async def _part(self, part: Coroutine[None, None, None]) -> None:
        try:
            await part
        except BarClosed:
            return
        except NoAnswer as error:
            self._tally.unexpected[str(error)] += 1
        except BaseException:
            self._clock.closed.set()
            raise
