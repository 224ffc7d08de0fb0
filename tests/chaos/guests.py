"""The load: guests who place orders at a steady pace, and who repeat under the same key what they cannot be sure of."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from uuid import uuid4

import httpx

from tests.chaos.attempts import MENU, Attempt, AttemptedOrder, Outcome, Trouble
from tests.support.bar import DEMO_PASSWORD

DEMO_EMAILS = ("user@example.com", "bartender@example.com", "admin@example.com")
REQUEST_TIMEOUT_SECONDS = 6.0  # above the API's own deadline: who waits longest must not be the guest
MAX_LATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who is signed in."""

    id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How guests behave."""

    orders_per_second: float = 50.0
    threads: int = 24
    keyed_share: float = 0.75
    retry_seconds: float = 30.0  # how long one order is repeated while its outcome is unknown
    backoff_seconds: tuple[float, float] = (0.1, 1.0)  # the first pause and the longest
    keep_alive: bool = True
    repeats_unknown: bool = True  # under its key; what was surely never sent is repeated in any case


def sign_in(base_url: str, email: str) -> Principal:
    """Sign one of the demo users in."""
    answer = httpx.post(f"{base_url}/login", json={"email": email, "password": DEMO_PASSWORD}, timeout=10)
    assert 200 == answer.status_code, answer.text
    return Principal(answer.json()["user"]["id"], answer.json()["token"])


def attempt(client: httpx.Client, who: Principal, order: AttemptedOrder) -> Attempt:
    """Send the order once, and note on it what came back."""
    headers = who.headers if order.key is None else {**who.headers, "Idempotency-Key": order.key}
    began_at = time.monotonic()
    try:
        answer = client.post("/orders", json=order.body, headers=headers)
        made = _answered(began_at, answer)
    except httpx.TransportError as error:
        made = Attempt(began_at=began_at, ended_at=time.monotonic(), trouble=_trouble(error))
    order.attempts.append(made)
    return made


def _answered(began_at: float, answer: httpx.Response) -> Attempt:
    accepted = answer.is_success
    return Attempt(
        began_at=began_at,
        ended_at=time.monotonic(),
        status=answer.status_code,
        order_id=str(answer.json()["id"]) if accepted else None,
        retry_after=answer.headers.get("Retry-After"),
    )


def _trouble(error: httpx.TransportError) -> Trouble:
    if isinstance(error, httpx.ConnectError):
        return Trouble.REFUSED
    return Trouble.TIMEOUT if isinstance(error, httpx.TimeoutException) else Trouble.RESET


class Pace:
    """Hands out the moments at which orders are due, evenly; who is long late does not make up for it in a burst."""

    def __init__(self, per_second: float) -> None:
        self._step_seconds = 1 / per_second
        self._lock = threading.Lock()
        self._next_at = time.monotonic()

    def next_moment(self) -> float:
        with self._lock:
            self._next_at = max(self._next_at + self._step_seconds, time.monotonic() - MAX_LATE_SECONDS)
            return self._next_at


class Guests:
    """Guests on threads of their own, from entering to leaving. `orders` holds all they attempted."""

    def __init__(self, base_url: str, principals: Sequence[Principal], manners: Manners) -> None:
        self.orders: list[AttemptedOrder] = []
        self.error: BaseException | None = None  # a guest's own mistake, not the product's
        self._base_url = base_url
        self._principals = principals
        self._manners = manners
        self._pace = Pace(manners.orders_per_second)
        self._leaving = threading.Event()
        self._busy = 0
        self._going = threading.Condition()  # guards the count of busy guests and whether they may order
        self._standing = False
        self._threads = [threading.Thread(target=self._visit, name=f"guest-{n}") for n in range(manners.threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everybody finish what they have in hand, repeats included."""
        self._leaving.set()
        for thread in self._threads:
            thread.join()

    @property
    def attempts(self) -> list[Attempt]:
        """Every request so far."""
        return [attempt for order in list(self.orders) for attempt in list(order.attempts)]

    def count(self, outcome: Outcome) -> int:
        """How many requests ended so."""
        return sum(attempt.outcome is outcome for attempt in self.attempts)

    def _visit(self) -> None:
        chance = random.Random()
        try:
            with ExitStack() as stack:
                client = stack.enter_context(self._client())
                while not self._leaving.wait(self._pace.next_moment() - time.monotonic()):
                    with self._turn():
                        self._order(client, chance)
        except BaseException as error:  # noqa: BLE001 - told by whoever watches the guests
            self.error = error

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Nobody has a request in hand, and nobody begins one."""
        with self._going:
            self._standing = True
            self._going.wait_for(lambda: not self._busy)
        try:
            yield
        finally:
            with self._going:
                self._standing = False
                self._going.notify_all()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._going:
            self._going.wait_for(lambda: not self._standing)
            self._busy += 1
        try:
            yield
        finally:
            with self._going:
                self._busy -= 1
                self._going.notify_all()

    def _client(self) -> httpx.Client:
        headers = {} if self._manners.keep_alive else {"Connection": "close"}
        return httpx.Client(base_url=self._base_url, timeout=REQUEST_TIMEOUT_SECONDS, headers=headers)

    def _order(self, client: httpx.Client, chance: random.Random) -> None:
        who = chance.choice(self._principals)
        keyed = chance.random() < self._manners.keyed_share
        order = AttemptedOrder(
            principal_id=who.id,
            key=f"chaos-{uuid4().hex}" if keyed else None,
            recipe=chance.choice(MENU),
            drinks=chance.randint(1, 3),
        )
        self.orders.append(order)
        self._place(client, who, order, chance)

    def _place(self, client: httpx.Client, who: Principal, order: AttemptedOrder, chance: random.Random) -> None:
        pause_seconds, longest_seconds = self._manners.backoff_seconds
        give_up_at = time.monotonic() + self._manners.retry_seconds
        while self._wants_repeat(order, attempt(client, who, order)) and time.monotonic() < give_up_at:
            time.sleep(pause_seconds * chance.uniform(0.5, 1.0))
            pause_seconds = min(2 * pause_seconds, longest_seconds)

    def _wants_repeat(self, order: AttemptedOrder, last: Attempt) -> bool:
        if last.outcome is not Outcome.INFO:
            return False
        return last.trouble is Trouble.REFUSED or (order.key is not None and self._manners.repeats_unknown)
