"""The guard of the hot path: what an order costs on its way, in calls and in statements.

A change that makes it markedly costlier fails here, on any machine and without a clock.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pika.frame import Method
from pika.spec import Basic

from bench.request import place
from consumer import handlers
from consumer.deliveries import Delivery
from shakerqueue.api.services import Services
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.event_json import event_json
from shakerqueue.key_look_ups import ClientKey, KeyLookUps
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack
from shakerqueue.messaging.outbox import Outbox, WaitingOrders
from shakerqueue.messaging.publisher_session import PublisherSession
from shakerqueue.messaging.topology import Topology
from shakerqueue.queries import order_events
from tests.support.bar import Bar
from tests.support.costs import ROUNDS, Calls, Cost, assert_allowed, calls_of
from tests.support.orders import drink, order, principal_id

pytestmark = pytest.mark.shares_bar

# What it costs today, and at most a twentieth more; of what each further order costs not even one call more, which is
# one in a loop. What has become cheaper gets a lower figure.
ALLOWED = {
    "a good order by the short way": Cost(statements=0, calls=735),
    "looking a client's key up": Cost(statements=1, calls=296),
    "publishing a message of one order": Cost(statements=0, calls=91),
    "publishing each further order": Cost(statements=0, calls=26.5),
    "storing a batch of one order": Cost(statements=5, calls=1990),
    "storing each further order": Cost(statements=0, calls=172.5),
    "rendering an event": Cost(statements=0, calls=5),
    "reading an order": Cost(statements=3),
    "reading the queue": Cost(statements=5),
    "claiming drinks": Cost(statements=6),
}
FEW, MANY = 100, 200
NewOrder = Callable[[], OrderPlaced]
Headers = dict[str, str]


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests") as database:
        yield database


@pytest.fixture
def new_order(database: Database) -> NewOrder:
    with database.connection() as conn:
        guest, margarita = principal_id(conn), drink(conn)
    return lambda: order(guest, margarita)


def further(calls_with: Callable[[int], Calls]) -> Calls:
    """The calls of each further order: what MANY cost beyond FEW."""
    more = calls_with(MANY) - calls_with(FEW)
    return Calls({function: round(count / (MANY - FEW), 2) for function, count in more.items()})


def check(name: str, calls: Calls) -> None:
    assert_allowed(name, calls, ALLOWED[name])


def test_a_good_order_by_the_short_way(app: Flask, services: Services, guest: Headers) -> None:
    token = guest["Authorization"].removeprefix("Bearer ")
    with patch.object(services.acceptance, "accept_all", lambda orders, _: [None] * len(orders)):
        calls = calls_of(lambda: place(app.wsgi_app, token))
    check("a good order by the short way", calls)


def test_looking_a_clients_key_up(database: Database, new_order: NewOrder) -> None:
    look_ups, placed = KeyLookUps(database), new_order()
    key = ClientKey(placed.principal_id, placed.idempotency_key)
    check("looking a client's key up", calls_of(lambda: look_ups.order_under(key, Deadline.after(1))))


def publishing(orders: list[OrderPlaced]) -> Calls:
    """From the requests to the broker's confirm; what pika does for a message is not in it."""
    outbox = Outbox()
    session = PublisherSession(outbox, [], Topology("costs"), threading.Event())
    session._channel = SimpleNamespace(basic_publish=lambda *_, **__: None)
    outbox.open(lambda: None)

    def published() -> None:
        waiting = [WaitingOrders([encode_order(one)]) for one in orders]
        for one in waiting:
            outbox.put(one)
        session._pump()
        session._on_confirm(Method(1, Basic.Ack(delivery_tag=session._last_tag)))
        for one in waiting:
            one.wait(Deadline.after(1))

    with patch.object(session, "_watch", lambda _: None):
        calls = calls_of(published)
    session._ioloop.close()
    return calls


def test_publishing_a_message(new_order: NewOrder) -> None:
    check("publishing a message of one order", publishing([new_order()]))


def test_publishing_each_further_order(new_order: NewOrder) -> None:
    check("publishing each further order", further(lambda count: publishing([new_order() for _ in range(count)])))


def storing(database: Database, new_order: NewOrder, count: int) -> Calls:
    """A batch of messages with an order each; another batch each time."""
    batches = iter([deliveries(new_order() for _ in range(count)) for _ in range(ROUNDS + 1)])
    return calls_of(lambda: handlers.persist(database, next(batches)))


def deliveries(orders: Iterable[OrderPlaced]) -> list[Delivery]:
    """In the order of their ids: how often two are compared to sort them is then no chance."""
    in_order = sorted(orders, key=lambda order: order.id)
    return [Delivery(tag, pack([encode_order(one)]), delivery_count=0) for tag, one in enumerate(in_order, start=1)]


def test_storing_a_batch(database: Database, new_order: NewOrder) -> None:
    check("storing a batch of one order", storing(database, new_order, 1))


def test_storing_each_further_order(database: Database, new_order: NewOrder) -> None:
    check("storing each further order", further(lambda count: storing(database, new_order, count)))


def test_rendering_an_event(database: Database, new_order: NewOrder) -> None:
    storing(database, new_order, 1)
    with database.connection() as conn:
        [event] = order_events.list_events_after(conn, after_id=0, at_most=1)
    check("rendering an event", calls_of(lambda: event_json(event)))


def test_reading_an_order(app: Flask, database: Database, new_order: NewOrder, guest: Headers) -> None:
    placed = new_order()
    handlers.persist(database, deliveries([placed]))
    check("reading an order", asking(app, "GET", f"/orders/{placed.id}", guest))


def test_reading_the_queue(app: Flask, bartender: Headers) -> None:
    check("reading the queue", asking(app, "GET", "/queue", bartender))


def test_claiming(app: Flask, database: Database, new_order: NewOrder, bartender: Headers) -> None:
    storing(database, new_order, 1)
    check("claiming drinks", asking(app, "POST", "/queue/claim", bartender, json={"max": 1}))


def asking(app: Flask, method: str, path: str, who: Headers, **request: Any) -> Calls:
    """A request by Flask's way, answered well."""
    client = FlaskClient(app)

    def asked() -> None:
        assert client.open(path, method=method, headers=who, **request).status_code < 300

    return calls_of(asked)
