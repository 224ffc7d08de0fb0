"""The publisher against a real RabbitMQ: what is confirmed is in the queue, what is not is said."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

import pytest
from pika.frame import Method

from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced, unpack
from shakerqueue.messaging.outbox import NotConfirmed, Obstacle
from shakerqueue.messaging.publisher import Publisher
from shakerqueue.messaging.publisher_session import CONFIRM_SECONDS, PublisherSession, QueueState
from shakerqueue.telemetry.metrics import BREAKER_OPENED
from tests.support.bar import Bar, free_port
from tests.support.waiting import eventually

ITEM = ItemPlaced(recipe_id=UUID(int=1), recipe="Margarita")


def an_order(note: str | None = None) -> OrderPlaced:
    return OrderPlaced(
        id=uuid4(),
        principal_id=UUID(int=7),
        idempotency_key=uuid4().hex,
        fingerprint=bytes(32),
        placed_at=datetime.now(UTC),
        items=(ITEM,),
        note=note,
    )


@pytest.fixture
def publisher(bar: Bar) -> Iterator[Publisher]:
    publisher = Publisher(bar.amqp_url, bar.topology)
    publisher.start()
    eventually(lambda: publisher.obstacle is None)
    yield publisher
    publisher.stop()


def soon() -> Deadline:
    return Deadline.after(5)


def queued_orders(bar: Bar) -> list[OrderPlaced]:
    connection, channel = bar.open_channel()
    found: list[OrderPlaced] = []
    with connection:
        while (message := channel.basic_get(bar.topology.orders_queue, auto_ack=True))[0]:
            assert 2 == message[1].delivery_mode
            found += unpack(message[2])
    return found


def test_a_confirmed_order_is_in_the_queue(bar: Bar, publisher: Publisher) -> None:
    placed = an_order(note="extra lime")
    publisher.publish([placed], soon())
    assert [placed] == queued_orders(bar)


def test_orders_of_many_threads_arrive_once_each_and_packed(bar: Bar, publisher: Publisher) -> None:
    placed = [an_order() for _ in range(400)]

    with ThreadPoolExecutor(40) as requests:
        list(requests.map(lambda one: publisher.publish([one], soon()), placed))

    messages = bar.queue_length(bar.topology.orders_queue)
    assert {order.id for order in placed} == {order.id for order in queued_orders(bar)}
    assert messages < len(placed)


def test_orders_of_one_request_share_a_message_however_large(bar: Bar, publisher: Publisher) -> None:
    placed = [an_order(note="x" * 5_000) for _ in range(100)]
    publisher.publish(placed, soon())
    assert 1 == bar.queue_length(bar.topology.orders_queue)
    assert placed == queued_orders(bar)


def test_orders_of_requests_that_wait_are_packed_as_far_as_a_message_goes(
    held_confirms: threading.Event, bar: Bar, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three requests of 80 orders each wait behind a closed window: a message takes 200, and splits no request."""
    monkeypatch.setattr("shakerqueue.messaging.publisher_session.MAX_MESSAGES_IN_FLIGHT", 1)
    placed = [[an_order() for _ in range(80)] for _ in range(3)]
    with ThreadPoolExecutor(4) as requests:
        answers = [requests.submit(publisher.publish, [an_order()], soon())]
        eventually(lambda: publisher._session and publisher._session._outstanding)
        answers += [requests.submit(publisher.publish, orders, soon()) for orders in placed]
        eventually(lambda: 3 == len(publisher._outbox._waiting))
        held_confirms.set()
        assert {None} == {answer.result(5) for answer in answers}
    assert 3 == bar.queue_length(bar.topology.orders_queue)
    assert 241 == len({order.id for order in queued_orders(bar)})


def test_an_order_larger_than_a_pack_is_published_all_the_same(bar: Bar, publisher: Publisher) -> None:
    placed = an_order(note="x" * 300_000)
    publisher.publish([placed], soon())
    assert [placed] == queued_orders(bar)


def test_an_unroutable_order_is_refused_and_the_queue_is_made_anew(bar: Bar, publisher: Publisher) -> None:
    """The broker confirms what it returns: without `mandatory` this order would be answered 2xx and be gone."""
    connection, channel = bar.open_channel()
    with connection:
        channel.queue_delete(bar.topology.orders_queue)

    with pytest.raises(Unavailable, match="unroutable"):
        publisher.publish([an_order()], soon())

    def healed() -> bool:
        try:
            publisher.publish([an_order()], soon())
        except Unavailable:
            return False
        return True

    eventually(healed)
    assert 1 == len(queued_orders(bar))


@pytest.fixture
def tiny_queue(bar: Bar, publisher: Publisher) -> Iterator[None]:
    """The orders queue, replaced by one that has room for a single message."""
    queue = bar.topology.orders_queue
    arguments = {**bar.topology.queues[queue], "x-max-length": 1}
    connection, channel = bar.open_channel()
    with connection:
        channel.queue_delete(queue)
        channel.queue_declare(queue, durable=True, arguments=arguments)
        channel.queue_bind(queue, bar.topology.orders_exchange, routing_key=queue)
        yield
        channel.queue_delete(queue)


def test_a_full_queue_refuses(publisher: Publisher, tiny_queue: None) -> None:
    with pytest.raises(Unavailable, match="refused"):
        for _ in range(20):
            publisher.publish([an_order()], soon())


def test_without_a_broker_publishing_fails_at_once(bar: Bar) -> None:
    publisher = Publisher(f"amqp://127.0.0.1:{free_port()}", bar.topology)
    publisher.start()
    deadline = Deadline.after(1.0)
    with pytest.raises(Unavailable, match="not_connected"):
        publisher.publish([an_order()], deadline)
    assert not deadline.passed
    publisher.stop()


@pytest.fixture
def held_confirms(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Confirms of the broker are kept back until the event is set. Ask for it before the publisher."""
    release = threading.Event()
    on_confirm = PublisherSession._on_confirm

    def hold(session: PublisherSession, frame: object) -> None:
        release.wait(10)
        on_confirm(session, frame)

    monkeypatch.setattr(PublisherSession, "_on_confirm", hold)
    return release


@pytest.fixture
def no_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that says nothing, and a window of one message. Ask for it before the publisher."""
    monkeypatch.setattr(PublisherSession, "_on_confirm", lambda *_: None)
    monkeypatch.setattr("shakerqueue.messaging.publisher_session.MAX_MESSAGES_IN_FLIGHT", 1)


def publish_behind_a_closed_window(
    publisher: Publisher, requests: ThreadPoolExecutor, orders: int
) -> list[Future[None]]:
    """One order is published and unconfirmed, the others wait. Any that came with the first would share its message."""
    session, outbox = publisher._session, publisher._outbox
    first = requests.submit(publisher.publish, [an_order()], soon())
    eventually(lambda: session and session._outstanding)
    others = [requests.submit(publisher.publish, [an_order()], soon()) for _ in range(orders - 1)]
    eventually(lambda: orders - 1 == len(outbox._waiting))
    return [first, *others]


def test_a_lost_connection_fails_whoever_waits_at_once_and_heals(
    no_confirms: None, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is published and never confirmed, the others wait behind a closed window: all hear of the loss."""
    session = publisher._session
    assert session is not None
    assert session._connection is not None
    with ThreadPoolExecutor(5) as requests:
        answers = publish_behind_a_closed_window(publisher, requests, orders=5)
        session._ioloop.add_callback_threadsafe(session._connection.close)
        reasons = {str(answer.exception(CONFIRM_SECONDS / 2)) for answer in answers}
    assert "None" not in reasons
    assert not any("no_confirm" in reason for reason in reasons)

    monkeypatch.undo()
    eventually(lambda: publisher._session is not session and publisher.obstacle is None)
    publisher.publish([an_order()], soon())


def test_stop_lets_what_is_in_flight_be_confirmed(
    held_confirms: threading.Event, bar: Bar, publisher: Publisher
) -> None:
    placed = an_order()
    with ThreadPoolExecutor(2) as threads:
        answer = threads.submit(publisher.publish, [placed], soon())
        eventually(lambda: publisher._session and publisher._session._outstanding)
        stopping = threads.submit(publisher.stop)
        eventually(publisher._stopping.is_set)
        held_confirms.set()
        assert answer.result(5) is None
        stopping.result(5)

    assert not publisher._thread.is_alive()
    assert [placed] == queued_orders(bar)


def test_stop_while_it_connects_ends_it_all_the_same(bar: Bar) -> None:
    publisher = Publisher(bar.amqp_url, bar.topology)
    publisher.start()
    publisher.stop()
    assert (False, False) == (publisher._thread.is_alive(), publisher.obstacle is None)


def test_a_request_that_gives_up_disturbs_nobody(held_confirms: threading.Event, publisher: Publisher) -> None:
    """Its confirm comes later, together with that of a neighbour, who must not suffer."""
    with ThreadPoolExecutor(2) as requests:
        impatient = requests.submit(publisher.publish, [an_order()], Deadline.after(0.1))
        patient = requests.submit(publisher.publish, [an_order()], soon())
        with pytest.raises(Unavailable, match="no_confirm"):
            impatient.result(5)
        held_confirms.set()
        assert patient.result(5) is None
    assert publisher.obstacle is None


class HeldConfirms:
    """A broker that keeps its confirms back until it is told to speak."""

    def __init__(self) -> None:
        self._held: list[tuple[PublisherSession, Method]] = []
        self._silent = True
        self._on_confirm = PublisherSession._on_confirm

    def hear(self, session: PublisherSession, frame: Method) -> None:
        if self._silent:
            self._held.append((session, frame))
        else:
            self._on_confirm(session, frame)

    def speak(self) -> None:
        self._silent = False
        for session, frame in self._held:
            session._ioloop.add_callback_threadsafe(partial(self._on_confirm, session, frame))


@pytest.fixture
def silent_broker(monkeypatch: pytest.MonkeyPatch) -> HeldConfirms:
    """Ask for it before the publisher."""
    held = HeldConfirms()

    def on_confirm(session: PublisherSession, frame: Method) -> None:
        held.hear(session, frame)

    monkeypatch.setattr(PublisherSession, "_on_confirm", on_confirm)
    monkeypatch.setattr("shakerqueue.messaging.publisher_session.CONFIRM_SECONDS", 0.3)
    monkeypatch.setattr("shakerqueue.messaging.publisher_session.MAX_MESSAGES_IN_FLIGHT", 1)
    return held


def opened(obstacle: Obstacle) -> float:
    """How often the breaker was opened for this reason."""
    return float(BREAKER_OPENED.labels(obstacle)._value.get())


def test_a_broker_that_confirms_nothing_is_passed_by_until_it_speaks(
    silent_broker: HeldConfirms, publisher: Publisher
) -> None:
    """One request waits for its confirm; those behind it and after it do not, and nobody has to try it out."""
    before = opened(Obstacle.NO_CONFIRM)
    with pytest.raises(NotConfirmed, match="no_confirm"):
        publisher.publish([an_order()], soon())
    assert Obstacle.NO_CONFIRM is publisher.obstacle
    assert before + 1 == opened(Obstacle.NO_CONFIRM)
    at_once = Deadline.after(0.2)
    with pytest.raises(NotConfirmed, match="no_confirm"):
        publisher.publish([an_order()], soon())
    assert not at_once.passed

    session = publisher._session
    silent_broker.speak()
    eventually(lambda: publisher.obstacle is None)
    publisher.publish([an_order()], soon())
    assert publisher._session is session


def test_a_broker_that_stays_silent_is_connected_to_anew(
    silent_broker: HeldConfirms, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shakerqueue.messaging.publisher_session.GIVE_UP_SECONDS", 0.6)
    silent = publisher._session
    with pytest.raises(NotConfirmed, match="no_confirm"):
        publisher.publish([an_order()], soon())
    eventually(lambda: publisher._session is not silent and publisher.obstacle is None)


def test_an_alarm_fails_whoever_waits_at_once_and_its_end_is_noticed(
    silent_broker: HeldConfirms, publisher: Publisher
) -> None:
    session = publisher._session
    assert session is not None
    with ThreadPoolExecutor(3) as requests:
        answers = publish_behind_a_closed_window(publisher, requests, orders=3)
        session._ioloop.add_callback_threadsafe(lambda: session._on_blocked("low on memory"))
        reasons = {str(answer.exception(CONFIRM_SECONDS / 2)) for answer in answers}
    assert {"broker unavailable: blocked: low on memory", "broker unavailable: blocked"} == reasons
    assert Obstacle.BLOCKED is publisher.obstacle

    silent_broker.speak()  # the confirm of what was in flight comes before, and does not end the alarm
    eventually(lambda: not session._outstanding)
    assert Obstacle.BLOCKED is publisher.obstacle
    session._ioloop.add_callback_threadsafe(session._on_unblocked)
    eventually(lambda: publisher.obstacle is None)
    publisher.publish([an_order()], soon())


def test_the_queue_tells_how_it_stands(bar: Bar, publisher: Publisher) -> None:
    assert QueueState(0, 0, 0, 0) == publisher.queue_state(soon())
    publisher.publish([an_order()], soon())
    connection, channel = bar.open_channel()
    with connection:
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(bar.topology.orders_queue, lambda *_: None)
        eventually(lambda: QueueState(0, 1, 0, 0) == publisher.queue_state(soon()))
        channel.basic_publish(bar.topology.orders_exchange, bar.topology.retry_queue(300), b"put off")
        channel.basic_publish(bar.topology.dead_exchange, bar.topology.dead_queue, b"given up")
    eventually(lambda: QueueState(1, 0, 1, 1) == publisher.queue_state(soon()))


def test_a_full_outbox_refuses(no_confirms: None, publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shakerqueue.messaging.outbox.MAX_WAITING_REQUESTS", 1)
    with ThreadPoolExecutor(2) as requests:
        first = requests.submit(publisher.publish, [an_order()], Deadline.after(1))
        eventually(lambda: publisher._session and publisher._session._outstanding)
        second = requests.submit(publisher.publish, [an_order()], Deadline.after(1))
        eventually(lambda: publisher._outbox._waiting)
        with pytest.raises(NotConfirmed, match="outbox_full"):
            publisher.publish([an_order()], soon())
        assert {"broker unavailable: no_confirm"} == {str(first.exception(5)), str(second.exception(5))}
