"""Dead letters: found again with their history, sent anew or given up, and never lost on the way."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pika import BasicProperties
from pika.exceptions import NackError

from consumer.worker import Worker
from shakerqueue.database import Database, running_database
from shakerqueue.deadlines import Deadline
from shakerqueue.discarding import discard
from shakerqueue.errors import Unavailable
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.messages import OrderPlaced, encode_order, pack, unpack
from tests.support.bar import Bar, free_port
from tests.support.letters import dead_letter, put_dead
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

ALL = LetterFilter()


@pytest.fixture
def letters(bar: Bar) -> DeadLetters:
    return DeadLetters(bar.amqp_url, bar.topology)


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=2) as database:
        yield database


@pytest.fixture
def new_order(database: Database) -> Callable[[], OrderPlaced]:
    with database.connection() as conn:
        guest, margarita = principal_id(conn), drink(conn)
    return lambda: order(guest, margarita)


def body_of(*orders: OrderPlaced) -> bytes:
    return pack([encode_order(one) for one in orders])


def aged(hours: int, body: bytes) -> Letter:
    return dead_letter(body, failed_at=datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours))


def dead(bar: Bar) -> int:
    return bar.queue_length(bar.topology.dead_queue)


def test_letters_are_found_with_their_history_and_stay(bar: Bar, letters: DeadLetters) -> None:
    put = [aged(3, b"one"), aged(2, b"two"), aged(1, b"three")]
    put_dead(bar, put[0], put[2], put[1])
    assert put == letters.find(ALL).letters
    assert put[:2] == letters.find(ALL, limit=2).letters
    assert put == letters.find(ALL).letters


def test_a_message_without_a_history_is_a_letter_too(bar: Bar, letters: DeadLetters) -> None:
    """Put there by hand, or by the broker itself; the same body has the same id at each look."""
    connection, channel = bar.open_channel()
    with connection:
        headers = {"x-attempts": "many", "x-first-failed-at": 7, "x-first-death-reason": "delivery_limit"}
        channel.basic_publish(
            bar.topology.dead_exchange, bar.topology.dead_queue, b"?", BasicProperties(headers=headers, timestamp=1)
        )
        channel.basic_publish(bar.topology.dead_exchange, bar.topology.dead_queue, b"??")
    [moved, bare] = letters.find(ALL).letters
    assert ("delivery_limit", 0, b"?", datetime.fromtimestamp(1, UTC)) == (
        moved.reason,
        moved.attempts,
        moved.body,
        moved.first_failed_at,
    )
    assert ("unknown", bare.id) == (bare.reason, letters.find(ALL).letters[1].id)


@pytest.mark.parametrize(
    ("chosen", "bodies"),
    [
        (LetterFilter(reason="FOREIGN key"), [b"new"]),
        (LetterFilter(failed_before=datetime(2026, 1, 2, tzinfo=UTC)), [b"old"]),
        (LetterFilter(failed_after=datetime(2026, 1, 2, tzinfo=UTC)), [b"new"]),
        (LetterFilter(reason="foreign", failed_before=datetime(2026, 1, 2, tzinfo=UTC)), []),
        (LetterFilter(ids=frozenset(["the-old-one"])), [b"old"]),
        (LetterFilter(ids=frozenset()), []),
    ],
)
def test_a_filter_chooses(bar: Bar, letters: DeadLetters, chosen: LetterFilter, bodies: list[bytes]) -> None:
    put_dead(
        bar,
        dead_letter(b"old", failed_at=datetime(2026, 1, 1, tzinfo=UTC), id="the-old-one"),
        dead_letter(b"new", "violates foreign key", failed_at=datetime(2026, 1, 2, tzinfo=UTC)),
    )
    assert bodies == [letter.body for letter in letters.find(chosen).letters]


def test_a_retried_letter_is_stored_by_the_consumer(
    bar: Bar, letters: DeadLetters, database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    good, kept = new_order(), new_order()
    put_dead(bar, dead_letter(body_of(good), "was a bug"), dead_letter(body_of(kept), "is a bug"))
    assert 1 == len(letters.retry(LetterFilter(reason="was")).letters)
    worker = Worker(bar.amqp_url, bar.topology, database, batch_size=10)
    thread = threading.Thread(target=worker.run)
    thread.start()
    eventually(lambda: [(good.id,)] == bar.query("SELECT id FROM orders"))
    worker.stop()
    thread.join(10)
    assert [(kept,)] == [unpack(letter.body) for letter in letters.find(ALL).letters]


def test_a_retry_that_is_not_confirmed_leaves_the_letter(
    bar: Bar, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NackError([])

    put = [aged(2, b"one"), aged(1, b"two")]
    put_dead(bar, *put)
    monkeypatch.setattr("shakerqueue.messaging.dead_letters.publish_anew", refuse)
    with pytest.raises(Unavailable, match="Nack"):
        letters.retry(ALL)
    eventually(lambda: put == letters.find(ALL).letters)


def test_a_limited_retry_takes_the_oldest(bar: Bar, letters: DeadLetters) -> None:
    put_dead(bar, aged(1, b"three"), aged(2, b"two"), aged(3, b"one"))
    assert [b"one", b"two"] == [letter.body for letter in letters.retry(ALL, limit=2).letters]
    assert [b"three"] == [letter.body for letter in letters.find(ALL).letters]


def test_a_retry_can_be_slow(bar: Bar, letters: DeadLetters) -> None:
    put_dead(bar, *[dead_letter(b"x") for _ in range(3)])
    began = datetime.now(UTC)
    letters.retry(ALL, per_second=5)
    assert timedelta(seconds=0.6) <= datetime.now(UTC) - began


def test_a_discarded_order_is_found_as_failed(
    bar: Bar, letters: DeadLetters, database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    placed = new_order()
    put_dead(bar, dead_letter(body_of(placed)))
    assert [placed.id] == discard(letters, ALL, database).failed_order_ids
    assert [(placed.id, "failed", "discarded")] == bar.query("SELECT id, status::text, error FROM orders")
    assert [("failed", "discarded")] == bar.query("SELECT status::text, error FROM order_items")
    events = bar.query("SELECT type::text, detail ->> 'error' FROM order_events ORDER BY id")
    assert [("placed", None), ("failed", "discarded")] == events
    assert 0 == dead(bar)


def test_an_order_that_was_stored_meanwhile_is_not_discarded(
    bar: Bar, letters: DeadLetters, database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    placed = new_order()
    with database.transaction() as conn:
        insert_orders(conn, [placed])
    put_dead(bar, dead_letter(body_of(placed)))
    done = discard(letters, ALL, database)
    assert (1, []) == (len(done.walk.letters), done.failed_order_ids)
    assert [("pending", None)] == bar.query("SELECT status::text, error FROM orders")


def test_what_cannot_even_be_stored_as_failed_goes_all_the_same(
    bar: Bar, letters: DeadLetters, database: Database, new_order: Callable[[], OrderPlaced]
) -> None:
    nobodys = order(uuid4(), *new_order().items)
    put_dead(bar, dead_letter(b"a shopping list"), dead_letter(body_of(nobodys)))
    assert (2, []) == (len((done := discard(letters, ALL, database)).walk.letters), done.failed_order_ids)
    assert (0, []) == (dead(bar), bar.query("SELECT FROM orders"))


def test_while_the_database_is_away_nothing_is_discarded(
    bar: Bar, letters: DeadLetters, new_order: Callable[[], OrderPlaced]
) -> None:
    put_dead(bar, dead_letter(body_of(new_order())))
    nowhere = Database(f"postgresql://127.0.0.1:{free_port()}/none", pool_size=1, application_name="tests")
    nowhere.start()
    with pytest.raises(Unavailable, match="database"):
        discard(letters, ALL, nowhere)
    nowhere.stop()
    eventually(lambda: 1 == dead(bar))


def test_without_a_broker_it_says_so(bar: Bar) -> None:
    with pytest.raises(Unavailable, match="broker"):
        DeadLetters(f"amqp://127.0.0.1:{free_port()}", bar.topology).find(ALL)


def command(bar: Bar, *words: str) -> tuple[int, str]:
    """Exit code and output of `shakerqueue dead-letters …`."""
    ended = subprocess.run(
        [sys.executable, "-m", "shakerqueue.cli", "dead-letters", *words],
        env=bar.environment(free_port()),
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_command_lists_shows_retries_and_discards(bar: Bar, new_order: Callable[[], OrderPlaced]) -> None:
    assert (0, "no dead letters\n") == command(bar, "list")
    placed, other = new_order(), new_order()
    first, second = dead_letter(body_of(placed), "a bug\x1b[2J"), dead_letter(body_of(other), "another")
    put_dead(bar, first, second, dead_letter(b"\x1b[2J"))

    listed = command(bar, "list")[1]
    assert rf"{first.id}  {first.failed_at.isoformat()}  attempts 4  a bug\x1b[2J  [{placed.id}]" in listed
    assert "no order in it" in listed
    assert "\x1b" not in listed
    code, shown = command(bar, "show", first.id)
    assert (0, True) == (code, f'"id": "{placed.id}"' in shown)
    assert (1, "shakerqueue: there is no dead letter none\n") == command(bar, "show", "none")

    code, said = command(bar, "retry")
    assert (2, True) == (code, "Say which" in said)
    assert (2, True) == (command(bar, "discard", "--all", "--id", first.id)[0], True)
    assert "would be retried: 3" in command(bar, "retry", "--all", "--dry-run")[1]
    assert 3 == dead(bar)
    assert "retried: 1" in command(bar, "retry", "--id", first.id, "--per-second", "100")[1]
    assert 1 == bar.queue_length(bar.topology.orders_queue)
    assert "would be discarded: 1" in command(bar, "discard", "--reason", "another", "--dry-run")[1]
    assert "discarded: 2" in command(bar, "discard", "--all")[1]
    assert [(other.id, "discarded")] == bar.query("SELECT id, error FROM orders")
    assert 0 == dead(bar)


def test_where_there_is_no_time_for_all_it_says_so_and_loses_none(bar: Bar, letters: DeadLetters) -> None:
    put_dead(bar, *[dead_letter(b"%d" % number) for number in range(30)])
    assert ([], False) == letters.retry(ALL, deadline=Deadline.after(0))
    walk = letters.find(ALL)
    assert (30, True) == (len(walk.letters), walk.complete)
