"""The dispatcher as a real process; its receivers are real servers, and read by the specification's own library."""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from consumer.webhooks.endpoint import MAX_IN_FLIGHT
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_order
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries import webhooks
from shakerqueue.queries.models import UserRole, WebhookEndpoint
from shakerqueue.webhook_types import WebhookType
from shakerqueue.webhooks import rotate_secret, shown_secret
from tests.support.bar import Bar
from tests.support.contract import check_message
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Answer, Received, Receiver, receiver
from tests.support.webhooks import add_endpoint

SOON = 30.0  # seconds: a start of a process, on a machine that is busy
LEASE_AND_SOME = 45.0


@pytest.fixture
def receivers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def listen(bar: Bar, receivers: ExitStack, *types: WebhookType) -> tuple[Receiver, WebhookEndpoint]:
    """A receiver, and the endpoint that leads to it."""
    here = receivers.enter_context(receiver())
    with psycopg.connect(bar.database_url) as conn:
        return here, add_endpoint(conn, here.url, *types)


def make_a_drink(bar: Bar) -> UUID:
    """An order that is placed and completed."""
    with psycopg.connect(bar.database_url) as conn:
        placed = order(principal_id(conn), drink(conn))
        insert_orders(conn, [placed])
    with psycopg.connect(bar.database_url) as conn:
        bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        act_on_order(conn, placed.id, Verb.COMPLETE, bartender, datetime.now(UTC))
    return placed.id


def verifies(received: Received, secret: bytes) -> bool:
    try:
        Webhook(shown_secret(secret)).verify(received.body, received.headers)
    except WebhookVerificationError:
        return False
    return True


def test_an_order_is_told_from_first_to_last_and_signed(bar: Bar, receivers: ExitStack) -> None:
    here, endpoint = listen(bar, receivers)
    with bar.process("webhooks"):
        eventually(lambda: bar.query("SELECT 1 FROM webhook_endpoints WHERE leased_until > now()"), SOON)
        order_id = make_a_drink(bar)
        eventually(lambda: 3 == len(here.received), SOON)
    assert ["order.placed", "drink.completed", "order.complete"] == [one.type for one in here.received]
    assert [(str(order_id), 1), (str(order_id), 2), (str(order_id), 3)] == [
        (one.data["order_id"], one.data["sequence"]) for one in here.received
    ]
    assert all(verifies(one, endpoint.secret) for one in here.received)
    for one in here.received:
        check_message(one.message)
    assert [("delivered", 3)] == bar.query("SELECT status::text, count(*)::int FROM webhook_deliveries GROUP BY 1")


def test_a_slow_endpoint_never_delays_another(bar: Bar, receivers: ExitStack) -> None:
    slow, _ = listen(bar, receivers)
    fast, _ = listen(bar, receivers)
    slow.hold = threading.Event()
    with bar.process("webhooks"):
        for _ in range(20):
            make_a_drink(bar)
        eventually(lambda: 60 == len(fast.received), SOON)
        eventually(lambda: MAX_IN_FLIGHT == len(slow.received), SOON)  # so many orders at once, and no more
        slow.hold.set()
        eventually(lambda: 60 == len(slow.received), SOON)


def test_while_a_secret_is_rotated_both_are_good(bar: Bar, receivers: ExitStack) -> None:
    here, old = listen(bar, receivers, WebhookType.ORDER_PLACED)
    with psycopg.connect(bar.database_url) as conn:
        new = rotate_secret(conn, old)
    with bar.process("webhooks"):
        make_a_drink(bar)
        eventually(lambda: here.received, SOON)
        assert [True, True] == [verifies(here.received[0], secret) for secret in (new.secret, old.secret)]

        bar.change("UPDATE webhook_endpoints SET previous_secret_until = now()")
        make_a_drink(bar)
        eventually(lambda: 2 == len(here.received), SOON)
        assert [True, False] == [verifies(here.received[1], secret) for secret in (new.secret, old.secret)]


def test_what_was_sent_and_not_written_down_comes_again_with_the_same_id(bar: Bar, receivers: ExitStack) -> None:
    """The dispatcher is killed between sending and knowing; the next one takes over when the lease is out."""
    here, _ = listen(bar, receivers, WebhookType.ORDER_COMPLETE)
    here.hold = threading.Event()
    with bar.process("webhooks") as first:
        make_a_drink(bar)
        eventually(lambda: here.received, SOON)
        first.send_signal(signal.SIGKILL)
        first.wait()
    here.hold.set()
    with bar.process("webhooks"):
        eventually(lambda: 2 == len(here.received), LEASE_AND_SOME)
        eventually(lambda: bar.query("SELECT 1 FROM webhook_deliveries WHERE status = 'delivered'"), SOON)
    assert 1 == len({(one.id, one.body) for one in here.received})


def test_two_dispatchers_send_nothing_twice(bar: Bar, receivers: ExitStack) -> None:
    listening = [listen(bar, receivers)[0] for _ in range(3)]
    with bar.process("webhooks"), bar.process("webhooks"):
        for _ in range(10):
            make_a_drink(bar)
        eventually(lambda: all(30 == len({one.id for one in here.received}) for here in listening), SOON)
    assert [30, 30, 30] == [len(here.received) for here in listening]


def test_a_term_hands_the_endpoint_over_at_once(bar: Bar, receivers: ExitStack) -> None:
    here, _ = listen(bar, receivers, WebhookType.ORDER_PLACED)
    with bar.process("webhooks") as first:
        make_a_drink(bar)
        eventually(lambda: bar.query("SELECT 1 FROM webhook_deliveries WHERE status = 'delivered'"), SOON)
        first.terminate()
        assert 0 == first.wait(SOON)
    assert [(None,)] == bar.query("SELECT leased_until FROM webhook_endpoints")
    assert 1 == len(here.received)


def test_one_that_is_gone_is_left_alone(bar: Bar, receivers: ExitStack) -> None:
    here, _ = listen(bar, receivers, WebhookType.ORDER_PLACED)
    here.answer = lambda _: Answer(410)
    with bar.process("webhooks"):
        make_a_drink(bar)
        eventually(lambda: bar.query("SELECT 1 FROM webhook_endpoints WHERE disabled_reason = 'gone'"), SOON)
        make_a_drink(bar)
        here.answer = lambda _: Answer(200)
        bar.change("UPDATE webhook_endpoints SET enabled = true")
        eventually(lambda: 2 == len(here.received), SOON)
    assert 2 == len({one.id for one in here.received})


def test_the_menu_and_the_bar_are_told(bar: Bar, receivers: ExitStack) -> None:
    here, endpoint = listen(bar, receivers, WebhookType.MENU_CHANGED, WebhookType.BAR_CHANGED)
    with bar.process("webhooks"):
        eventually(lambda: known(bar, endpoint), SOON)
        bar.change("UPDATE recipes SET available = false WHERE name = 'Negroni'")
        eventually(lambda: here.of_type("menu.changed"), SOON)
        assert ["Negroni"] == here.of_type("menu.changed")[0].data["sold_out"]
        bar.change("UPDATE bar SET accepting = false, reason = 'flood', reopens_at = now() + interval '2 seconds'")
        eventually(lambda: 2 == len(here.of_type("bar.changed")), SOON)  # closed, and open again by itself
        assert [False, True] == [one.data["accepting"] for one in here.of_type("bar.changed")]
    for one in here.received:
        check_message(one.message)


def known(bar: Bar, endpoint: WebhookEndpoint) -> bool:
    with psycopg.connect(bar.database_url) as conn:
        now = webhooks.get_webhook_endpoint(conn, id=endpoint.id, integration_id=None)
    return now is not None and None not in (now.menu_digest, now.bar_digest)


def test_an_outage_of_the_database_loses_nothing(bar: Bar, receivers: ExitStack) -> None:
    here, _ = listen(bar, receivers)
    with bar.process("webhooks"):
        for _ in range(10):
            make_a_drink(bar)
            bar.change(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name LIKE 'shakerqueue-%'"
            )
        eventually(lambda: 30 == len({one.id for one in here.received}), LEASE_AND_SOME)
    sequences: dict[str, list[int]] = {}
    for one in here.received:
        sequences.setdefault(one.data["order_id"], []).append(one.data["sequence"])
    assert [[1, 2, 3]] * 10 == [sorted(set(seen)) for seen in sequences.values()]
