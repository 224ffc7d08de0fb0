"""What staff and guests ask of an API all night, each as one request over a connection that is kept open."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Self

import httpx
import psycopg

from bench.people import STAFF, sign_in
from dev.servers import ServerError
from shakerqueue.api.pages import DEFAULT_LIMIT, encode_cursor

FAR_PAGE = 10_000
TIMEOUT_SECONDS = 10.0
NUMBERS = "SELECT count(*), (SELECT max(id) FROM order_events) FROM orders"
PLACE = "SELECT placed_at, id FROM orders ORDER BY placed_at DESC, id DESC LIMIT 1 OFFSET %s"
SOME_IDS = "SELECT id FROM orders ORDER BY random() LIMIT 1000"


class Caller:
    """One of the staff, with what they need to know of the orders that are stored."""

    def __init__(self, client: httpx.Client, conn: psycopg.Connection[Any], night: date) -> None:
        """`night` is the business day that is reported on."""
        [(orders, last_event)] = conn.execute(NUMBERS)
        self.far_page = min(FAR_PAGE, orders // DEFAULT_LIMIT)
        [place] = conn.execute(PLACE, [(self.far_page - 1) * DEFAULT_LIMIT - 1])
        self._client = client
        self._far_cursor = encode_cursor(place)
        self._order_ids = itertools.cycle([id for (id,) in conn.execute(SOME_IDS)])
        self._middle_event = last_event // 2
        self._night = night
        self._claimed: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def of(cls, api_url: str, database_url: str, night: date) -> Iterator[Self]:
        """Sign in and look around."""
        with (
            httpx.Client(base_url=api_url, timeout=TIMEOUT_SECONDS) as client,
            psycopg.connect(database_url, autocommit=True) as conn,
        ):
            client.headers["Authorization"] = f"Bearer {sign_in(api_url, STAFF)}"
            yield cls(client, conn, night)

    def claim(self) -> httpx.Response:
        """The drink that is due first. `release` has to follow."""
        answer = self._client.post("/queue/claim", json={"max": 1})
        [self._claimed] = answer.json()["items"]
        return answer

    def release(self) -> httpx.Response:
        """What was claimed, so that everything is as before."""
        drink = self._claimed
        return self._client.post(f"/orders/{drink['order_id']}/items/{drink['number']}/release", json={})

    def queue(self) -> httpx.Response:
        """What is to be made."""
        return self._client.get("/queue")

    def status(self) -> httpx.Response:
        """What is going on."""
        return self._client.get("/admin/status")

    def first_page(self) -> httpx.Response:
        """The newest orders."""
        return self._client.get("/orders")

    def later_page(self) -> httpx.Response:
        """Page 10,000 of them, or the last full one."""
        return self._client.get("/orders", params={"cursor": self._far_cursor})

    def order(self) -> httpx.Response:
        """Any order, by its id."""
        return self._client.get(f"/orders/{next(self._order_ids)}")

    def events(self) -> httpx.Response:
        """Five hundred events from the middle of the log on."""
        return self._client.get("/events", params={"after": self._middle_event})

    def report(self) -> httpx.Response:
        """The figures of one night."""
        night = self._night.isoformat()
        return self._client.get("/reports/service", params={"from": night, "to": night})


# A claim comes right before its release.
REQUESTS: dict[str, Callable[[Caller], httpx.Response]] = {
    "claim a drink": Caller.claim,
    "release it": Caller.release,
    "the queue": Caller.queue,
    "the bar's status": Caller.status,
    "orders, page 1": Caller.first_page,
    "orders, page 10,000": Caller.later_page,
    "an order by its id": Caller.order,
    "500 events from the middle": Caller.events,
    "the report of a night": Caller.report,
}


def taken_seconds(request: Callable[[Caller], httpx.Response], caller: Caller) -> float:
    """How long a request takes.

    Raises:
        ServerError: it was not answered 200.
    """
    began = time.perf_counter()
    answer = request(caller)
    taken = time.perf_counter() - began
    if answer.status_code != httpx.codes.OK:
        raise ServerError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}")
    return taken
