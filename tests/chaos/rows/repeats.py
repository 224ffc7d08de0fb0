"""The row in which an order is sent again and again, while the way it takes changes and its drink goes out."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx

from tests.chaos.attempts import AttemptedOrder, Outcome, keyed_order
from tests.chaos.guests import DEMO_EMAILS, Guests, Manners, Principal, attempt, sign_in
from tests.chaos.house import WORKERS, House
from tests.chaos.ledger import missing
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.chaos.witnesses import BY_BROKER, FALLBACK, REPLAYED

RECIPE = "Margarita"
THREADS = 20
REQUEST_SECONDS = 10.0
MENU_LOOKS = 4 * WORKERS  # each on a connection of its own: likely to meet every worker


class Repeats(Row):
    """Half the keys are known to the broker when it goes, the others come first when it is away."""

    number = "20"
    title = "the same order twenty times"
    fault = "the API loses its broker between the tries; then the recipe is 86ed"
    full = Size(300, 10, 5)
    small = Size(20, 1)
    proxied = True
    growing = (FALLBACK, BY_BROKER, REPLAYED)

    def guests(self, house: House) -> Guests:
        """Nobody but those whom `carry_out` sends."""
        return Guests(house.api.url, [], Manners(threads=0))

    def carry_out(self, scene: Scene) -> None:
        guest, bartender = (sign_in(scene.house.api.url, email) for email in DEMO_EMAILS[:2])
        for _ in range(scene.size.faults):
            orders = [keyed_order(guest.id, RECIPE, drinks=2) for _ in range(scene.size.orders // scene.size.faults)]
            scene.guests.orders += orders
            self._send_twenty_times(scene.house, guest, bartender, orders)
            scene.saw("changes of the way", 1)
            scene.saw("requests for a drink that was out", 6 * len(orders))

    def _send_twenty_times(
        self, house: House, guest: Principal, bartender: Principal, orders: list[AttemptedOrder]
    ) -> None:
        early, late = orders[::2], orders[1::2]
        _send(house, guest, early, 7)
        house.proxies.api_broker.shut()
        _send(house, guest, early, 7)
        _send(house, guest, late, 14)
        house.proxies.api_broker.heal()
        house.await_connected()
        await_fact("all orders are stored", lambda: not missing(orders, {row.id for row in house.stored()}))
        with _sold_out(house, bartender):
            _send(house, guest, orders, 6)

    def check(self, scene: Scene) -> list[str]:
        others = [attempt for attempt in scene.attempts if attempt.outcome is not Outcome.OK]
        said = sorted({str(attempt.status or attempt.trouble) for attempt in others})
        return [f"{len(others)} repeats were not answered 202, but {', '.join(said)}"] if others else []


def _send(house: House, guest: Principal, orders: Sequence[AttemptedOrder], times: int) -> None:
    """Send each order so many times, the same one by several threads at once."""
    with httpx.Client(base_url=house.api.url, timeout=REQUEST_SECONDS) as client, ThreadPoolExecutor(THREADS) as pool:
        for sent in [pool.submit(attempt, client, guest, order) for order in orders for _ in range(times)]:
            sent.result()


@contextmanager
def _sold_out(house: House, bartender: Principal) -> Iterator[None]:
    """86 the recipe, on every process; bring it back afterwards."""
    with httpx.Client(base_url=house.api.url, headers=bartender.headers, timeout=REQUEST_SECONDS) as client:
        listed = client.get("/recipes", params={"limit": 200}).json()["recipes"]
        path = next(f"/recipes/{recipe['id']}" for recipe in listed if recipe["name"] == RECIPE)
        _change(client, path, available=False)
        await_fact("the recipe is off the menu", lambda: not _on_any_menu(house))
        try:
            yield
        finally:
            _change(client, path, available=True)
            await_fact("the recipe is back", lambda: _on_any_menu(house))


def _change(client: httpx.Client, path: str, *, available: bool) -> None:
    answer = client.patch(path, json={"available": available})
    assert httpx.codes.OK == answer.status_code, answer.text


def _on_any_menu(house: House) -> bool:
    """Whether some process still offers the recipe; each look is on a connection of its own."""
    return any(RECIPE in _menu(house) for _ in range(MENU_LOOKS))


def _menu(house: House) -> set[str]:
    return {recipe["name"] for recipe in httpx.get(f"{house.api.url}/menu").json()["recipes"]}
