"""Each alert fires: a real Prometheus watches the real product while one part after the other is broken.

The rules are those of docs/operations, only their times are shorter; what is old is made old in the database.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager

import httpx
import psycopg
import pytest
import yaml

from shakerqueue.deadlines import Deadline
from tests.chaos.servers import freeze, resume
from tests.support.rules import alerts, hurried, read_rules
from tests.support.waiting import eventually
from tests.support.watched import Watched, ordering, watched
from tests.support.webhook_receiver import Answer, receiver
from tests.support.webhooks import add_endpoint

SETTINGS = {"WORKERS": "2", "THREADS": "8", "STREAMS": "4", "DATABASE_POOL_SIZE": "2"}
FIRES_SECONDS = 60.0
ENDS_SECONDS = 90.0
CALM_SECONDS = 12.0  # longer than any of the hurried ranges
ASK_SECONDS = 0.5
WAITING_MESSAGES = 501
OVERDUE_SECONDS = 11.0
LATE_DRINKS = 21
STREAMS = 7  # of eight
EVENT_LOG_LOCK = 20260001

Fault = Callable[[Watched], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    rules = tmp_path_factory.mktemp("rules") / "rules.yml"
    rules.write_text(yaml.safe_dump(hurried(read_rules())))
    with watched(rules, SETTINGS) as product, ordering(product):
        yield product


@contextmanager
def no_dispatcher(product: Watched) -> Iterator[None]:
    """Nobody tells an endpoint what happened minutes ago."""
    with psycopg.connect(product.bar.database_url) as conn:
        add_endpoint(conn)
    product.webhooks.stop()
    product.bar.change("UPDATE order_events SET created_at = now() - interval '5 minutes'")
    yield
    product.bar.change("UPDATE webhook_endpoints SET deleted_at = now()")
    product.webhooks.start()


@contextmanager
def receiver_fails(product: Watched) -> Iterator[None]:
    with receiver() as here, psycopg.connect(product.bar.database_url) as conn:
        here.answer = lambda _: Answer(500)
        add_endpoint(conn, here.url)
        conn.commit()
        eventually(lambda: here.received, deadline_seconds=30)
        product.bar.change("UPDATE webhook_deliveries SET created_at = created_at - interval '1 hour'")
        yield
        product.bar.change("UPDATE webhook_endpoints SET deleted_at = now()")


@contextmanager
def receiver_is_gone(product: Watched) -> Iterator[None]:
    with receiver() as here, psycopg.connect(product.bar.database_url) as conn:
        here.answer = lambda _: Answer(410)
        add_endpoint(conn, here.url)
        conn.commit()
        yield
        product.bar.change("UPDATE webhook_endpoints SET deleted_at = now()")


@contextmanager
def nobody_makes_drinks(product: Watched) -> Iterator[None]:
    eventually(lambda: product.bar.query("SELECT count(*) FROM order_items")[0][0] >= LATE_DRINKS)  # type: ignore[operator]
    product.bar.change("UPDATE order_items SET due_at = now() - interval '1 hour'")
    yield
    product.bar.change("UPDATE order_items SET due_at = now() + interval '1 day'")


@contextmanager
def poison(product: Watched) -> Iterator[None]:
    connection, channel = product.bar.open_channel()
    topology = product.bar.topology
    with connection:
        channel.basic_publish(topology.orders_exchange, topology.orders_queue, b"no JSON")
        yield
        channel.queue_purge(topology.dead_queue)


@contextmanager
def stock_taking(product: Watched) -> Iterator[None]:
    """Somebody holds the row of a counted drink."""
    product.bar.change("UPDATE recipes SET remaining = 100 WHERE name = 'Daiquiri'")
    with product.administer() as conn, product.client() as client, conn.transaction():
        conn.execute("SELECT FROM recipes WHERE name = 'Daiquiri' FOR UPDATE")
        eventually(lambda: 202 == client.post("/orders", json={"recipe": "Daiquiri"}).status_code)
        yield


@contextmanager
def streams(product: Watched) -> Iterator[None]:
    with product.client("bartender@example.com") as client, ExitStack() as opened:
        answers: list[httpx.Response] = []

        def as_many() -> bool:
            answer = opened.enter_context(client.stream("GET", "/events"))
            if answer.status_code == 200:
                answers.append(answer)
            return len(answers) >= STREAMS

        eventually(as_many, deadline_seconds=30)
        yield


@contextmanager
def table_is_locked(product: Watched) -> Iterator[None]:
    """What bartenders read takes up every connection; orders cannot be stored."""
    with (
        product.client("bartender@example.com") as client,
        product.administer() as conn,
        repeating(lambda: client.get("/queue"), threads=8),
        conn.transaction(),
    ):
        conn.execute("LOCK TABLE order_items IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def event_log_is_held(product: Watched) -> Iterator[None]:
    """Now and then, for less than whoever waits would bear."""
    with product.administer() as conn:

        def hold() -> None:
            with conn.transaction():
                conn.execute(f"SELECT pg_advisory_xact_lock({EVENT_LOG_LOCK}), pg_sleep(0.6)".encode())

        with repeating(hold):
            yield


@contextmanager
def broker_stalls(product: Watched) -> Iterator[None]:
    """Again and again, for less than the time after which it is passed by."""
    broker = product.servers.rabbitmq

    def stall() -> None:
        freeze(broker)
        time.sleep(1.2)  # the fault itself, and no waiting for something
        resume(broker)

    with repeating(stall):
        yield


@contextmanager
def no_consumer(product: Watched) -> Iterator[None]:
    product.consumer.stop()
    connection, channel = product.bar.open_channel()
    with connection:
        overdue = Deadline.after(OVERDUE_SECONDS)
        for _ in range(WAITING_MESSAGES):  # empty envelopes: a backlog that is soon worked off
            topology = product.bar.topology
            channel.basic_publish(topology.orders_exchange, topology.orders_queue, b'{"v":1,"orders":[]}')
    yield
    eventually(lambda: overdue.passed, deadline_seconds=2 * OVERDUE_SECONDS)
    product.consumer.start()


@contextmanager
def consumer_comes_back(product: Watched) -> Iterator[None]:
    with no_consumer(product):
        pass
    yield


@contextmanager
def no_broker(product: Watched) -> Iterator[None]:
    product.servers.rabbitmq.stop()
    yield
    product.servers.rabbitmq.start()


@contextmanager
def no_database(product: Watched) -> Iterator[None]:
    product.servers.postgres.stop()
    yield
    product.servers.postgres.start()


@contextmanager
def neither(product: Watched) -> Iterator[None]:
    with no_broker(product), no_database(product):
        yield


@contextmanager
def no_room_for_metrics(product: Watched) -> Iterator[None]:
    product.api.stop()
    product.cramped_api.start()
    yield
    product.cramped_api.stop()
    product.api.start()


FAULTS: dict[Fault, set[str]] = {
    no_dispatcher: {"PartDown", "WebhooksBehind"},
    receiver_fails: {"WebhooksFail", "WebhooksWaitLong"},
    receiver_is_gone: {"WebhookGone"},
    nobody_makes_drinks: {"DrinksLate"},
    poison: {"DeadLetters"},
    stock_taking: {"OrdersRetried"},
    streams: {"StreamsNearLimit"},
    event_log_is_held: {"EventLogLockWaits"},
    broker_stalls: {"ConfirmsSlow", "OrderingSlow"},
    no_consumer: {"NoConsumer", "PartDown", "QueueGrows"},
    consumer_comes_back: {"OrdersStoredLate"},
    table_is_locked: {"PoolExhausted", "ServerErrors", "ConsumerWaits"},
    no_broker: {"BrokerAway", "BrokerPassedBy", "OrdersNotConfirmed"},
    no_database: {"DatabaseAway", "ConsumerWaits"},
    neither: {"BrokerAway", "DatabaseAway", "OrdersUnavailable"},
    no_room_for_metrics: {"MetricsNotShared"},
}


@contextmanager
def repeating(act: Callable[[], object], threads: int = 1) -> Iterator[None]:
    """Do it over and over until the block ends."""
    stopping: list[bool] = []

    def repeat() -> None:
        while not stopping:
            act()

    with ThreadPoolExecutor(threads) as pool:
        done = [pool.submit(repeat) for _ in range(threads)]
        try:
            yield
        finally:
            stopping.append(True)
    for one in done:
        one.result()


def named(names: set[str]) -> set[str]:
    return {f"ShakerQueue{name}" for name in names}


def test_there_is_a_fault_for_each_alert() -> None:
    assert set(alerts(read_rules())) == named(set().union(*FAULTS.values()))


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_each_fault_raises_its_alerts_and_calm_raises_none(product: Watched) -> None:
    eventually(lambda: not product.prometheus.firing(), ENDS_SECONDS, poll_seconds=ASK_SECONDS)
    assert set() == firing_within(product, CALM_SECONDS)
    for fault, expected in FAULTS.items():
        assert_quiet(product, named(expected), before=fault.__name__)
        with fault(product):
            assert_fire(product, named(expected), during=fault.__name__)
    # What was ordered meanwhile is late by now, for nobody makes it.
    eventually(lambda: not product.prometheus.firing() - named({"DrinksLate"}), ENDS_SECONDS, poll_seconds=ASK_SECONDS)


def firing_within(product: Watched, seconds: float) -> set[str]:
    """Whatever fires at any time in the next seconds."""
    seen: set[str] = set()
    over = Deadline.after(seconds)

    def look() -> bool:
        seen.update(product.prometheus.firing())
        return over.passed

    eventually(look, 2 * seconds, poll_seconds=ASK_SECONDS)
    return seen


def assert_quiet(product: Watched, names: set[str], before: str) -> None:
    """What an earlier fault raised has ended."""
    try:
        eventually(lambda: not names & product.prometheus.firing(), ENDS_SECONDS, poll_seconds=ASK_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"before {before}: {product.prometheus.firing()} go on") from error


def assert_fire(product: Watched, names: set[str], during: str) -> None:
    """All of them fire, perhaps not all at the same moment."""
    missing = set(names)

    def look() -> bool:
        missing.difference_update(product.prometheus.firing())
        return not missing

    try:
        eventually(look, FIRES_SECONDS, poll_seconds=ASK_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{during}: {missing} did not fire; {product.prometheus.firing()} did") from error
