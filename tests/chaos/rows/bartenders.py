"""The row in which nothing fails, and everybody wants the same drink."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx

from tests.chaos.attempts import AttemptedOrder, keyed_order
from tests.chaos.guests import Guests, Manners, Principal, attempt, sign_in
from tests.chaos.house import House
from tests.chaos.ledger import missing
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.support.bar import DEMO_PASSWORD

BARTENDERS = 20
REQUEST_SECONDS = 10.0
ROUNDS_AT_ONCE = 10


class SameDrink(Row):
    """Twenty bartenders start one drink; then two finish the last two drinks of the order."""

    number = "21"
    title = "twenty bartenders start one drink; two finish the last two drinks"
    fault = "requests of many threads at once"
    full = Size(300, 300, 3)
    small = Size(10, 10)

    def guests(self, house: House) -> Guests:
        """Nobody but the one whose orders `carry_out` places."""
        return Guests(house.api.url, [], Manners(threads=0))

    def carry_out(self, scene: Scene) -> None:
        guest = sign_in(scene.house.api.url, "user@example.com")
        staff = [_bartender(scene.house) for _ in range(BARTENDERS)]
        await_fact("all may act", lambda: all(_may_act(scene.house, one) for one in staff))
        for start in range(0, scene.size.faults, ROUNDS_AT_ONCE):
            scene.tell(f"round {start} of {scene.size.faults}")
            orders = [
                keyed_order(guest.id, "Margarita", drinks=2)
                for _ in range(min(ROUNDS_AT_ONCE, scene.size.faults - start))
            ]
            self._place(scene, guest, orders)
            for order in orders:
                self._play(scene, staff, next(iter(order.told_ids)))

    def _place(self, scene: Scene, guest: Principal, orders: list[AttemptedOrder]) -> None:
        scene.guests.orders += orders
        with httpx.Client(base_url=scene.house.api.url, timeout=REQUEST_SECONDS) as client:
            for order in orders:
                attempt(client, guest, order)
        await_fact("the orders are stored", lambda: not missing(orders, {row.id for row in scene.house.stored()}))

    def _play(self, scene: Scene, staff: list[Principal], order_id: str) -> None:
        """One round on one order of two drinks."""
        with ThreadPoolExecutor(BARTENDERS) as pool:
            answers = list(pool.map(lambda who: _act(scene.house, who, f"{order_id}/items/1/start"), staff))
        codes = sorted(answer.status_code for answer in answers)
        if codes == [200] + [409] * (BARTENDERS - 1):
            scene.saw("times that one began the drink and nineteen were told so")
        else:
            scene.problems.append(f"order {order_id}: twenty starts were answered {codes}")
        with ThreadPoolExecutor(2) as pool:
            verbs = (f"{order_id}/items/{number}/complete" for number in (1, 2))
            done = [answer.status_code for answer in pool.map(lambda verb: _act(scene.house, staff[0], verb), verbs)]
        status = httpx.get(f"{scene.house.api.url}/orders/{order_id}", headers=staff[0].headers).json()["status"]
        if (done, status) == ([200, 200], "complete"):
            scene.saw("orders that were complete with their last two drinks")
        else:
            scene.problems.append(f"order {order_id}: two completions were answered {done}, and it is {status}")


def _act(house: House, who: Principal, verb: str) -> httpx.Response:
    return httpx.post(f"{house.api.url}/orders/{verb}", headers=who.headers, timeout=REQUEST_SECONDS)


def _bartender(house: House) -> Principal:
    """Somebody new, hired by the admin, and signed in."""
    email = f"{uuid4().hex}@example.com"
    person = {"username": email.partition("@")[0], "email": email, "password": DEMO_PASSWORD}
    with httpx.Client(base_url=house.api.url, timeout=REQUEST_SECONDS) as client:
        user = client.post("/register", json=person).json()["user"]
        admin = sign_in(house.api.url, "admin@example.com")
        hired = client.patch(f"/users/{user['id']}", json={"role": "employee"}, headers=admin.headers)
        assert httpx.codes.OK == hired.status_code, hired.text
    return sign_in(house.api.url, email)


def _may_act(house: House, who: Principal) -> bool:
    answer = httpx.get(f"{house.api.url}/queue", headers=who.headers, timeout=REQUEST_SECONDS)
    return answer.status_code == httpx.codes.OK
