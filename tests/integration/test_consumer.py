"""The consumer's worker against a real broker and database: everything that is acknowledged is stored."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
from pika import BasicProperties, URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ConnectionBlockedTimeout

from consumer import failures, handlers
from consumer.deliveries import LONE_DELIVERY_COUNT, MAX_DELIVERY_COUNT, Delivery, Failure, Fate
from consumer.worker import Worker, batch_length
from shakerqueue import order_store
from shakerqueue.database import Database, running_database
from shakerqueue.errors import Unavailable
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.letters import letter_of
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from shakerqueue.messaging.topology import Topology
from shakerqueue.queries import order_events
from shakerqueue.telemetry.metrics import CONSUMER_PAUSES
from tests.support.bar import Bar, free_port
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=2) as database:
        yield database


@pytest.fixture
def new_order(database: Database) -> Callable[[], OrderPlaced]:
    with database.connection() as conn:
        guest, margarita = principal_id(conn), drink(conn)
    return lambda: order(guest, margarita)


@pytest.fixture
def channel(bar: Bar) -> Iterator[BlockingChannel]:
    connection, channel = bar.open_channel()
    with connection:
        channel.confirm_delivery()
        yield channel


@contextmanager
def consuming(bar: Bar, database: Database, batch_size: int = 50) -> Iterator[Worker]:
    worker = Worker(bar.amqp_url, bar.topology, database, batch_size)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(10)
    assert not thread.is_alive()


def publish(channel: BlockingChannel, bar: Bar, body: bytes, **properties: object) -> None:
    channel.basic_publish(
        bar.topology.orders_exchange, bar.topology.orders_queue, body, BasicProperties(**properties), mandatory=True
    )


def stored_ids(bar: Bar) -> set[UUID]:
    return {row[0] for row in bar.query("SELECT id FROM orders")}  # type: ignore[misc]


def dead_letters(bar: Bar, channel: BlockingChannel) -> list[tuple[str, bytes]]:
    """Reason and body of everything in the dead queue, which is empty afterwards."""
    letters = []
    while (message := channel.basic_get(bar.topology.dead_queue, auto_ack=True))[0]:
        letters.append((message[1].headers["x-reason"], message[2]))
    return letters


def test_every_order_of_every_message_is_stored_and_acknowledged(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    placed = [new_order() for _ in range(300)]
    for start in range(0, 300, 3):
        publish(channel, bar, pack([encode_order(one) for one in placed[start : start + 3]]))

    with consuming(bar, database, batch_size=20):
        eventually(lambda: {one.id for one in placed} == stored_ids(bar))

    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_a_message_that_is_none_goes_to_the_dead_queue_and_takes_nobody_along(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    good = [new_order(), new_order()]
    publish(channel, bar, pack([encode_order(good[0])]))
    publish(channel, bar, b"a shopping list")
    publish(channel, bar, pack([encode_order(good[1])]))

    with consuming(bar, database):
        eventually(lambda: {one.id for one in good} == stored_ids(bar))
        eventually(lambda: 1 == bar.queue_length(bar.topology.dead_queue))

    [(reason, body)] = dead_letters(bar, channel)
    assert ("JSON is malformed: invalid character (byte 0)", b"a shopping list") == (reason, body)
    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_an_order_that_the_database_refuses_goes_to_the_dead_queue_alone(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    """Three orders in one message: the two good ones are stored, the third can be read again by a consumer."""
    good = [new_order(), new_order()]
    nobodys = order(uuid4(), *good[0].items)
    publish(channel, bar, pack([encode_order(one) for one in (good[0], nobodys, good[1])]))

    with consuming(bar, database):
        eventually(lambda: {one.id for one in good} == stored_ids(bar))
        eventually(lambda: 1 == bar.queue_length(bar.topology.dead_queue))

    [(reason, body)] = dead_letters(bar, channel)
    assert "orders_principal_id_fkey" in reason
    assert (nobodys,) == unpack(body)


def test_the_database_away_loses_nothing_and_spends_no_delivery(
    bar: Bar,
    database: Database,
    channel: BlockingChannel,
    new_order: Callable[[], OrderPlaced],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The batch is kept and tried again, its connection stays: no redelivery, so no delivery count is spent."""
    placed = [new_order() for _ in range(5)]
    counts: list[int] = []
    away, back = threading.Event(), threading.Event()
    persist = handlers.persist

    def flaky_persist(database: Database, deliveries: list[Delivery], **options: bool) -> list[Failure]:
        counts.extend(delivery.delivery_count for delivery in deliveries)
        if not back.is_set():
            away.set()
            raise Unavailable("database", "pretended")
        return persist(database, deliveries, **options)

    monkeypatch.setattr(handlers, "persist", flaky_persist)
    monkeypatch.setattr("consumer.worker.DATABASE_RETRY_SECONDS", 0.05)
    for one in placed:
        publish(channel, bar, pack([encode_order(one)]))
    with consuming(bar, database):
        assert away.wait(10)
        eventually(lambda: len(counts) > 3)
        back.set()
        eventually(lambda: {one.id for one in placed} == stored_ids(bar))

    assert {0} == set(counts)
    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_a_consumer_that_starts_while_the_database_is_away_takes_nothing(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    """Restarts during an outage would otherwise carry the head of the queue to the dead queue, unparsed."""
    placed = new_order()
    publish(channel, bar, pack([encode_order(placed)]))
    nowhere = Database(f"postgresql://127.0.0.1:{free_port()}/none", pool_size=1, application_name="tests")
    nowhere.start()
    for _ in range(MAX_DELIVERY_COUNT + 1):
        with consuming(bar, nowhere):
            pass
    nowhere.stop()

    with consuming(bar, database):
        eventually(lambda: {placed.id} == stored_ids(bar))
    assert 0 == bar.queue_length(bar.topology.dead_queue)


def test_a_schema_that_changes_under_it_is_waited_for(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    first, placed = new_order(), new_order()
    publish(channel, bar, pack([encode_order(first)]))
    with psycopg.connect(bar.database_url, autocommit=True) as conn, consuming(bar, database):
        eventually(lambda: {first.id} == stored_ids(bar))
        conn.execute("ALTER TABLE order_items RENAME TO elsewhere")
        publish(channel, bar, pack([encode_order(placed)]))
        eventually(lambda: 0 == bar.queue_length(bar.topology.orders_queue))
        conn.execute("ALTER TABLE elsewhere RENAME TO order_items")
        eventually(lambda: {first.id, placed.id} == stored_ids(bar))
    assert 0 == bar.queue_length(bar.topology.dead_queue)


def test_a_deleted_queue_is_declared_anew_and_consumed(
    bar: Bar,
    database: Database,
    channel: BlockingChannel,
    new_order: Callable[[], OrderPlaced],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even if it is back before the broker tells the consumer, which then hears nothing of it for ever."""
    monkeypatch.setattr("consumer.worker.MAX_IDLE_SECONDS", 2.0)
    placed = new_order()
    with consuming(bar, database):
        eventually(lambda: channel.queue_declare(bar.topology.orders_queue, passive=True).method.consumer_count)
        channel.queue_delete(bar.topology.orders_queue)
        bar.queue_length(bar.topology.orders_queue)  # declares it, as the publisher would
        publish(channel, bar, pack([encode_order(placed)]))
        eventually(lambda: {placed.id} == stored_ids(bar), deadline_seconds=15)


def test_the_largest_orders_that_guests_can_write_are_stored(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    """Small requests that become a lot: a hundred drinks, each with the longest note and modifiers of emoji."""
    item = new_order().items[0]
    huge = msgspec.structs.replace(item, quantity=100, note="🍸" * 500, modifiers=("🧊" * 50,) * 10)
    with database.connection() as conn:
        placed = [order(principal_id(conn), huge) for _ in range(40)]
    for one in placed:
        publish(channel, bar, pack([encode_order(one)]))

    with consuming(bar, database):
        eventually(lambda: {one.id for one in placed} == stored_ids(bar), deadline_seconds=60)
    assert [(4000,)] == bar.query("SELECT count(*)::int FROM order_items")


def test_a_transactions_share_is_bounded_and_leaves_nothing_out(new_order: Callable[[], OrderPlaced]) -> None:
    small = new_order()
    many = msgspec.structs.replace(small, items=(msgspec.structs.replace(small.items[0], quantity=100),))
    wordy = msgspec.structs.replace(small, items=(msgspec.structs.replace(small.items[0], note="x" * 300_000),))
    orders = [small, *[many] * 25, wordy, small, wordy]

    shares = list(order_store.transaction_shares(orders))

    assert orders == [one for share in shares for one in share]
    assert all(sum(one.drink_count for one in share) <= order_store.MAX_TRANSACTION_DRINKS for share in shares)
    assert [wordy] in shares
    assert 6 == len(shares)


def test_what_was_delivered_too_often_is_not_even_parsed(
    database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    body = pack([encode_order(new_order())])
    [(tag, fate, letter, _)] = handlers.persist(database, [Delivery(7, body, delivery_count=MAX_DELIVERY_COUNT)])
    assert (7, Fate.DEAD, body) == (tag, fate, letter.body)
    assert "delivered 5 times without being handled" == letter.reason


def test_what_was_delivered_again_together_with_others_is_taken_apart(
    database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    """One of them may end the consumer: each comes again in a message of its own, and the good ones are stored."""
    orders = [new_order() for _ in range(3)]
    body = pack([encode_order(one) for one in orders])
    assert [] == handlers.persist(database, [Delivery(1, body, delivery_count=LONE_DELIVERY_COUNT - 1)])
    failures = handlers.persist(database, [Delivery(1, body, delivery_count=LONE_DELIVERY_COUNT)])
    assert {Fate.APART} == {failure.fate for failure in failures}
    assert [(one,) for one in orders] == [unpack(failure.letter.body) for failure in failures]
    alone = Delivery(1, failures[0].letter.body, delivery_count=LONE_DELIVERY_COUNT)
    assert [] == handlers.persist(database, [alone])


def _deliveries(*counts: int) -> list[Delivery]:
    return [Delivery(tag, b"", count) for tag, count in enumerate(counts, start=1)]


@pytest.mark.parametrize(
    ("counts", "length"),
    [((), 0), ((0,), 1), ((0, 1, 0), 3), ((0, 0, 0, 0), 3), ((2, 0, 0), 1), ((0, 0, 2, 0), 2), ((3, 3), 1)],
)
def test_a_suspect_is_handled_alone(counts: tuple[int, ...], length: int) -> None:
    assert length == batch_length(_deliveries(*counts), batch_size=3)


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> tuple[int, ...]:
    """Retry queues that wait for one and two seconds. Ask for it before anything declares the topology."""
    delays = (1, 2)
    for module in ("shakerqueue.messaging.topology", "consumer.failures"):
        monkeypatch.setattr(f"{module}.RETRY_DELAYS_SECONDS", delays)
    return delays


def test_an_order_that_fails_in_a_way_nobody_foresaw_is_put_off_and_the_others_go_on(
    bar: Bar,
    database: Database,
    short_delays: tuple[int, ...],
    channel: BlockingChannel,
    new_order: Callable[[], OrderPlaced],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After each delay it is tried again; then it rests in the dead queue, with its history."""
    bad, good = new_order(), [new_order() for _ in range(3)]
    tried_at: list[float] = []

    def insert(conn: object, placed: list[OrderPlaced]) -> int:
        if bad in placed:
            tried_at.append(monotonic())
            raise RuntimeError("a bug")
        return insert_orders(conn, placed)  # type: ignore[arg-type]

    monkeypatch.setattr("shakerqueue.order_store.insert_orders", insert)
    began = datetime.now(UTC)
    publish(channel, bar, pack([encode_order(one) for one in (good[0], bad, good[1])]))
    publish(channel, bar, pack([encode_order(good[2])]))

    with consuming(bar, database):
        eventually(lambda: {one.id for one in good} == stored_ids(bar))
        eventually(lambda: 1 == bar.queue_length(bar.topology.dead_queue), deadline_seconds=20)

    _, properties, body = channel.basic_get(bar.topology.dead_queue, auto_ack=True)
    assert properties is not None
    assert body is not None
    letter = letter_of(properties, body)
    assert ("RuntimeError('a bug')", 3, (bad,)) == (letter.reason, letter.attempts, unpack(letter.body))
    assert began <= letter.first_failed_at < letter.failed_at + timedelta(seconds=1)
    assert sum(short_delays) <= tried_at[-1] - tried_at[0]


def test_an_order_that_somebody_is_in_the_way_of_needs_the_delay(
    bar: Bar,
    database: Database,
    short_delays: tuple[int, ...],
    channel: BlockingChannel,
    new_order: Callable[[], OrderPlaced],
) -> None:
    """A stock-taking holds the row of a counted drink: its orders are put off, everybody else's are stored."""
    counted, other = new_order(), new_order()
    with database.connection() as conn:
        other = order(counted.principal_id, drink(conn, "Negroni"))
    with psycopg.connect(bar.database_url) as stock_taking:
        stock_taking.execute("UPDATE recipes SET remaining = 10 WHERE name = 'Margarita'")
        stock_taking.commit()
        stock_taking.execute("SELECT FROM recipes WHERE name = 'Margarita' FOR UPDATE")
        publish(channel, bar, pack([encode_order(counted), encode_order(other)]))
        with consuming(bar, database):
            eventually(lambda: {other.id} == stored_ids(bar))
            eventually(lambda: 1 == bar.queue_length(bar.topology.retry_queue(1)))
            stock_taking.rollback()
            eventually(lambda: {counted.id, other.id} == stored_ids(bar))
    assert 0 == bar.queue_length(bar.topology.dead_queue)
    assert [(9,)] == bar.query("SELECT remaining FROM recipes WHERE name = 'Margarita'")


def test_while_the_database_takes_no_orders_none_is_put_off(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    """Somebody holds the log of events: that is no fault of any order, and spends none of its attempts."""
    placed = new_order()
    pauses = CONSUMER_PAUSES._value.get()
    with psycopg.connect(bar.database_url) as maintenance:
        order_events.lock_event_log(maintenance)
        publish(channel, bar, pack([encode_order(placed)]))
        with consuming(bar, database):
            eventually(lambda: pauses + 2 <= CONSUMER_PAUSES._value.get())
            assert 0 == bar.queue_length(bar.topology.retry_queue(5))
            maintenance.rollback()
            eventually(lambda: {placed.id} == stored_ids(bar))
    assert 0 == bar.queue_length(bar.topology.dead_queue)


def test_while_the_broker_takes_nothing_good_orders_go_on(
    bar: Bar,
    database: Database,
    channel: BlockingChannel,
    new_order: Callable[[], OrderPlaced],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In an alarm a message that is none cannot be sent to the dead queue: it waits, and nobody behind it does."""
    alarm = threading.Event()
    alarm.set()
    send = failures.send

    def send_unless_alarmed(hosts: list[URLParameters], topology: Topology, failed: list[Failure]) -> None:
        if alarm.is_set():
            raise ConnectionBlockedTimeout
        send(hosts, topology, failed)

    monkeypatch.setattr(failures, "send", send_unless_alarmed)
    monkeypatch.setattr("consumer.worker.SEND_AGAIN_SECONDS", 0.2)
    good = [new_order() for _ in range(20)]
    publish(channel, bar, b"a shopping list")
    for one in good[:10]:
        publish(channel, bar, pack([encode_order(one)]))
    with consuming(bar, database, batch_size=4):
        eventually(lambda: {one.id for one in good[:10]} == stored_ids(bar))
        publish(channel, bar, b"another")
        for one in good[10:]:
            publish(channel, bar, pack([encode_order(one)]))
        eventually(lambda: {one.id for one in good} == stored_ids(bar))
        assert 0 == bar.queue_length(bar.topology.dead_queue)
        alarm.clear()
        eventually(lambda: 2 == bar.queue_length(bar.topology.dead_queue))
    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_a_consumer_that_could_not_store_takes_nothing(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    """The database answers, and a table is missing: restarts meanwhile spend no delivery."""
    placed = new_order()
    publish(channel, bar, pack([encode_order(placed)]))
    with psycopg.connect(bar.database_url, autocommit=True) as conn:
        conn.execute("ALTER TABLE order_items RENAME TO elsewhere")
        for _ in range(MAX_DELIVERY_COUNT + 1):
            with consuming(bar, database):
                pass
        conn.execute("ALTER TABLE elsewhere RENAME TO order_items")
    with consuming(bar, database):
        eventually(lambda: {placed.id} == stored_ids(bar))
    assert 0 == bar.queue_length(bar.topology.dead_queue)


def test_many_orders_that_somebody_is_in_the_way_of_do_not_hold_up_one_that_nobody_is(
    bar: Bar, database: Database, channel: BlockingChannel, new_order: Callable[[], OrderPlaced]
) -> None:
    counted = [new_order() for _ in range(100)]
    with database.connection() as conn:
        other = order(counted[0].principal_id, drink(conn, "Negroni"))
    with psycopg.connect(bar.database_url) as stock_taking:
        stock_taking.execute("UPDATE recipes SET remaining = 200 WHERE name = 'Margarita'")
        stock_taking.commit()
        stock_taking.execute("SELECT FROM recipes WHERE name = 'Margarita' FOR UPDATE")
        publish(channel, bar, pack([encode_order(one) for one in (*counted, other)]))
        with consuming(bar, database):
            eventually(lambda: {other.id} == stored_ids(bar), deadline_seconds=8)
            stock_taking.rollback()
            eventually(lambda: 101 == len(stored_ids(bar)), deadline_seconds=20)
