"""The row in which a receiver of webhooks misbehaves, and the dispatcher dies, while another receiver is well."""

import os
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import psycopg

from dev import product
from dev.product import ProductServer
from tests.chaos.guests import Principal, sign_in
from tests.chaos.house import House
from tests.chaos.ledger import missing
from tests.chaos.row import Row, Scene, Size
from tests.chaos.servers import product_settings
from tests.chaos.supervisor import Supervisor
from tests.chaos.waiting import await_fact
from tests.support.webhook_receiver import Answer, Received, Receiver, receiver
from tests.support.webhooks import add_endpoint

ANSWERS = 5  # of one kind, before the receiver is well again
COMPLETED = 10  # orders that are made between two faults
MEANWHILE = 10  # messages that the other receiver gets while one is slow
LEASE_SECONDS = 30.0  # a lease, and the time to take it over and send
DRAIN_SECONDS = 180.0  # a message that meets two faults waits for half a minute
CAUGHT_UP_SECONDS = 0.5
LAST = 1_000  # messages that are looked at
REQUEST_SECONDS = 10.0


@dataclass(kw_only=True)
class Stand:
    """Two receivers with their endpoints, where a redirect leads to, and the dispatcher."""

    troubled: Receiver
    calm: Receiver
    elsewhere: Receiver
    troubled_id: str
    dispatcher: ProductServer
    told: list[tuple[str, Receiver, int]]  # who is told of all that happens after which place in the log


class Webhooks(Row):
    """Whatever a receiver does, it gets each message, under one id, and those of an order in their order."""

    number = "23"
    title = "webhook target answers 500, is slow, redirects, is gone; dispatcher dies after sending"
    fault = "a local server that answers so; kill -9 while it holds its answer back"
    full = Size(3_000, 30, 3)
    small = Size(150, 5)

    def carry_out(self, scene: Scene) -> None:
        self._dead: list[tuple[float, float]] = []  # when the dispatcher was, in seconds since 1970
        with _standing(scene.house) as self._stand:
            self._staff = sign_in(scene.house.api.url, "bartender@example.com")
            self._admin = sign_in(scene.house.api.url, "admin@example.com")
            super().carry_out(scene)
            with scene.guests.standing_still():
                self._await_delivered(scene)
                self._compare(scene)

    def inject(self, scene: Scene, number: int) -> None:
        faults = (self._answers_500, self._is_slow, self._redirects, self._is_gone, self._dispatcher_dies)
        faults[number % len(faults)](scene)
        _complete_some(scene, self._staff)

    def _answers_500(self, scene: Scene) -> None:
        self._answer(scene, "answers of 500", Answer(500))

    def _redirects(self, scene: Scene) -> None:
        self._answer(scene, "redirects", Answer(302, {"location": self._stand.elsewhere.url}))

    def _answer(self, scene: Scene, what: str, answer: Answer) -> None:
        """The next few requests are answered so."""
        given: list[Received] = []

        def bad(came: Received) -> Answer:
            given.append(came)
            return answer

        self._stand.troubled.answer = bad
        await_fact(what, lambda: len(given) >= ANSWERS)
        self._stand.troubled.answer = lambda _: Answer()
        scene.saw(what, len(given))

    def _is_slow(self, scene: Scene) -> None:
        """It answers nothing until the other receiver has heard of what happened meanwhile."""
        with self._holding():
            began_at = time.time()
            await_fact("the other one gets on", lambda: self._heard_since(began_at) >= MEANWHILE)
        scene.saw("messages to the other receiver while one was slow", MEANWHILE)

    def _is_gone(self, scene: Scene) -> None:
        """It is disabled by its 410; somebody enables it."""
        given: list[Received] = []

        def gone(came: Received) -> Answer:
            given.append(came)
            return Answer(410)

        self._stand.troubled.answer = gone
        await_fact("it is disabled", lambda: not self._webhook(scene)["enabled"])
        self._stand.troubled.answer = lambda _: Answer()
        self._ask(scene, "PATCH", "", {"enabled": True})
        scene.saw("answers of 410", len(given))

    def _dispatcher_dies(self, scene: Scene) -> None:
        """What was sent was not written down: it comes again, under the same id."""
        with self._holding() as held:
            began_at = time.time()
            os.kill(self._stand.dispatcher.pid, signal.SIGKILL)
        received = self._stand.troubled.received
        await_fact("it comes again", lambda: sum(one.id == held.id for one in list(received)) > 1, LEASE_SECONDS)
        await_fact("the other one has caught up", self._is_current)
        self._dead.append((began_at, time.time()))
        scene.saw("messages that came again after a kill")

    def _heard_since(self, moment: float) -> int:
        """How many messages the receiver that is well got of what happened since then."""
        return sum(_happened_at(one) > moment for one in self._stand.calm.received[-LAST:])

    def _is_current(self) -> bool:
        """Whether the receiver that is well hears of what has just happened."""
        return time.time() - _happened_at(self._stand.calm.received[-1]) < CAUGHT_UP_SECONDS

    @contextmanager
    def _holding(self) -> Iterator[Received]:
        """A request that came and is not answered until afterwards."""
        troubled = self._stand.troubled
        troubled.hold = hold = threading.Event()
        before = len(troubled.received)
        try:
            await_fact("a request comes", lambda: len(troubled.received) > before)
            yield troubled.received[before]
        finally:
            troubled.hold = None
            hold.set()

    def _await_delivered(self, scene: Scene) -> None:
        """Wait until all that was ordered is stored, all that happened is told, and nothing waits to be sent."""
        house = scene.house
        await_fact("all is stored", lambda: not missing(scene.orders, {row.id for row in house.stored()}))
        pending = "SELECT count(*) FROM webhook_deliveries WHERE status = 'pending'"
        behind = "SELECT count(*) FROM webhook_endpoints WHERE last_event_id < (SELECT max(id) FROM order_events)"
        still = f"SELECT ({pending}) + ({behind})"
        await_fact("all is delivered", lambda: house.query(still) == [(0,)], DRAIN_SECONDS)

    def _compare(self, scene: Scene) -> None:
        for name, here, after_id in self._stand.told:
            expected = _expected(scene.house, after_id)
            scene.problems += [f"{name}: {problem}" for problem in _problems(here.received, expected)]
            scene.saw(f"requests to the {name} receiver", len(here.received))
        if self._stand.elsewhere.received:
            scene.problems.append(f"{len(self._stand.elsewhere.received)} redirects were followed")
        self._late_seconds = self._lateness_seconds()

    def figures(self, scene: Scene) -> dict[str, str]:
        """How late the receiver that is well was told."""
        return {"lateness of the other receiver's messages, p99": f"{self._late_seconds * 1000:.0f} ms"}

    def _lateness_seconds(self) -> float:
        """How late messages came to the receiver that is well, 99 of 100; but for those of a dead dispatcher."""
        late = sorted(one.at - _happened_at(one) for one in self._stand.calm.received if not self._is_dead(one))
        return late[int(0.99 * (len(late) - 1))] if late else 0.0

    def _is_dead(self, received: Received) -> bool:
        return any(began <= received.at and _happened_at(received) <= ended for began, ended in self._dead)

    def _webhook(self, scene: Scene) -> dict[str, Any]:
        return self._ask(scene, "GET", "")

    def _ask(self, scene: Scene, method: str, end: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        url = f"{scene.house.api.url}/webhooks/{self._stand.troubled_id}{end}"
        answer = httpx.request(method, url, json=body, headers=self._admin.headers, timeout=REQUEST_SECONDS)
        assert answer.is_success, answer.text
        told: dict[str, Any] = answer.json()
        return told


@contextmanager
def _standing(house: House) -> Iterator[Stand]:
    """Both receivers, told of everything from now on; the dispatcher is started again when it dies."""
    settings = product_settings(
        house.servers,
        DATABASE_URL=house.database_url,
        AMQP_URL=house.servers.rabbitmq.url,
        WEBHOOK_ALLOW_PRIVATE="true",
    )
    dispatcher = ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=house.servers.folder, settings=settings)
    with receiver() as troubled, receiver() as calm, receiver() as elsewhere:
        with psycopg.connect(house.database_url) as conn:
            endpoints = [add_endpoint(conn, here.url) for here in (troubled, calm)]
        supervisor = Supervisor(dispatcher)
        supervisor.start()
        try:
            yield Stand(
                troubled=troubled,
                calm=calm,
                elsewhere=elsewhere,
                troubled_id=str(endpoints[0].id),
                dispatcher=dispatcher,
                told=[
                    ("troubled", troubled, endpoints[0].last_event_id),
                    ("calm", calm, endpoints[1].last_event_id),
                ],
            )
        finally:
            supervisor.stop()
            with psycopg.connect(house.database_url) as conn:
                conn.execute("UPDATE webhook_endpoints SET deleted_at = now()")


def _complete_some(scene: Scene, staff: Principal) -> None:
    """Make the last orders that were accepted and are stored, so that there is more to tell of them."""
    ids = [order_id for order in scene.orders[-COMPLETED:] for order_id in order.told_ids]
    with httpx.Client(base_url=scene.house.api.url, headers=staff.headers, timeout=REQUEST_SECONDS) as client:
        for order_id in ids:
            client.post(f"/orders/{order_id}/complete")


def _expected(house: House, after_id: int) -> Counter[str]:
    """How many messages each order made since then: one an event, and one more where the order became something."""
    rows = house.query(
        "SELECT order_id::text, (count(*) + count(order_became))::integer FROM order_events"
        f" WHERE id > {after_id} GROUP BY order_id"
    )
    return Counter({str(order_id): int(str(count)) for order_id, count in rows})


def _problems(received: list[Received], expected: Counter[str]) -> Iterator[str]:
    """What a receiver missed, got under two ids or with two bodies, or out of order."""
    firsts: defaultdict[str, list[int]] = defaultdict(list)  # sequences of an order, as they first came
    seen: dict[str, bytes] = {}
    for one in received:
        if seen.setdefault(one.id, one.body) != one.body:
            yield f"{one.id} came with two bodies"
        if one.data["sequence"] not in firsts[one.data["order_id"]]:
            firsts[one.data["order_id"]].append(one.data["sequence"])
    for order_id, count in expected.items():
        if firsts[order_id] != [*range(1, count + 1)]:
            yield f"order {order_id} made {count} messages, and {firsts[order_id]} came"
    if len(seen) != expected.total():
        yield f"{len(seen)} ids for {expected.total()} messages"


def _happened_at(received: Received) -> float:
    return datetime.fromisoformat(received.message["timestamp"]).timestamp()
