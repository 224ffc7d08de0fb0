"""A dispatcher's turns against a real PostgreSQL: what is handed out when, and what is written down."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from consumer.webhooks import turns
from consumer.webhooks.outcomes import Outcome, SendError
from consumer.webhooks.schedule import DELAYS_SECONDS
from consumer.webhooks.turns import Attempt, Lease, LeaseLost, Turn, take_turn
from shakerqueue.bar import BarNow, BarState
from shakerqueue.database import Database, running_database
from shakerqueue.intake import insert_orders
from shakerqueue.integrations import add_integration
from shakerqueue.making import act_on_order
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries import webhooks
from shakerqueue.queries.models import UserRole, WebhookDeliveryStatus, WebhookEndpoint
from shakerqueue.queries.webhooks import ListDueDeliveriesRow
from shakerqueue.webhook_messages import News, bar_news
from shakerqueue.webhook_types import WebhookType
from shakerqueue.webhooks import SentAgain, hurry, rotate_secret, send_again, send_all_again
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.webhooks import add_endpoint

ROOM = 8


def outcome(
    status: int | None = 200, error: SendError | None = None, retry_after_seconds: float | None = None
) -> Outcome:
    return Outcome(
        status=status,
        error=error,
        detail="",
        duration_seconds=0.01,
        retry_after_seconds=retry_after_seconds,
        excerpt="",
    )


class Desk:
    """An endpoint, and a dispatcher that has leased it."""

    def __init__(self, database: Database, **said: Any) -> None:
        self.database = database
        with database.transaction() as conn:
            self.endpoint: WebhookEndpoint = add_endpoint(conn, "http://127.0.0.1:9/", *said.pop("types", ()), **said)
        self.lease = self.take_lease()
        self.turn()  # the menu and the bar are known from here on

    def take_lease(self) -> Lease:
        with self.database.transaction() as conn:
            [row] = webhooks.lease_endpoints(conn, lease_seconds=10)
        return Lease(row.id, row.lease_token)

    def turn(self, *ended: Attempt, news: tuple[News, ...] = (), lease: Lease | None = None, room: int = ROOM) -> Turn:
        with self.database.transaction() as conn:
            return take_turn(conn, lease or self.lease, ended, news, [], room)

    def end(self, delivery: ListDueDeliveriesRow, how: Outcome) -> Turn:
        return self.turn(Attempt(delivery, datetime.now(UTC), how))

    def deliveries(self, columns: str) -> list[tuple[Any, ...]]:
        with self.database.connection() as conn:
            query = f"SELECT {columns} FROM webhook_deliveries WHERE endpoint_id = %s ORDER BY created_at, id"
            return conn.execute(query.encode(), [self.endpoint.id]).fetchall()

    def make_due(self) -> None:
        with self.database.connection() as conn:
            conn.execute("UPDATE webhook_deliveries SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL")


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=4) as database:
        yield database


@pytest.fixture
def guest(database: Database) -> UUID:
    with database.connection() as conn:
        return principal_id(conn)


@pytest.fixture
def bartender(database: Database) -> Actor:
    with database.connection() as conn:
        return Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)


def place(database: Database, who: UUID, external_id: str | None = None) -> OrderPlaced:
    with database.transaction() as conn:
        insert_orders(conn, [placed := order(who, drink(conn), external_id=external_id)])
    return placed


def act(database: Database, verb: Verb, who: Actor, placed: OrderPlaced) -> None:
    with database.transaction() as conn:
        act_on_order(conn, placed.id, verb, who, datetime.now(UTC), "no limes" if verb is Verb.FAIL else None)


def types(due: Turn) -> list[str]:
    return [delivery.type for delivery in due.due]


def test_the_messages_of_an_order_go_out_one_after_the_other(database: Database, guest: UUID, bartender: Actor) -> None:
    desk = Desk(database)
    placed = place(database, guest)
    act(database, Verb.COMPLETE, bartender, placed)

    sent = []
    turn = desk.turn()
    while turn.due:
        [delivery] = turn.due
        sent.append((delivery.type, json.loads(delivery.body)["data"]["sequence"]))
        turn = desk.end(delivery, outcome())
    assert [("order.placed", 1), ("drink.completed", 2), ("order.complete", 3)] == sent
    assert {("delivered", 1)} == set(desk.deliveries("status::text, attempts"))


def test_the_sequence_of_an_order_goes_on_from_turn_to_turn(database: Database, guest: UUID, bartender: Actor) -> None:
    desk = Desk(database, types=[WebhookType.ORDER_PLACED, WebhookType.ORDER_COMPLETE])
    placed = place(database, guest)
    desk.turn()
    act(database, Verb.COMPLETE, bartender, placed)
    desk.turn()
    assert [("order.placed", 1), ("order.complete", 2)] == desk.deliveries("type, sequence")


def test_orders_do_not_wait_for_each_other(database: Database, guest: UUID) -> None:
    desk = Desk(database)
    first, second = place(database, guest), place(database, guest)
    turn = desk.turn()
    assert {str(first.id), str(second.id)} == {json.loads(one.body)["data"]["order_id"] for one in turn.due}
    assert ["order.placed"] == types(desk.turn(room=1))


def test_what_fails_holds_its_order_up_and_is_sent_again_with_the_same_id_and_body(
    database: Database, guest: UUID, bartender: Actor
) -> None:
    desk = Desk(database)
    act(database, Verb.COMPLETE, bartender, place(database, guest))
    [first] = desk.turn().due

    turn = desk.end(first, outcome(500))
    assert [] == turn.due
    assert turn.seconds_until_due is not None
    assert DELAYS_SECONDS[0] * 0.8 < turn.seconds_until_due < DELAYS_SECONDS[0] * 1.2

    desk.make_due()
    [again] = desk.turn().due
    assert (first.id, first.body, 1, 1) == (again.id, again.body, again.attempts, again.failures)
    assert ["drink.completed"] == types(desk.end(again, outcome()))


def test_after_three_days_it_is_given_up_and_the_next_one_goes(
    database: Database, guest: UUID, bartender: Actor
) -> None:
    desk = Desk(database)
    act(database, Verb.COMPLETE, bartender, place(database, guest))
    for _ in range(len(DELAYS_SECONDS)):
        [delivery] = desk.turn().due
        desk.end(delivery, outcome(None, SendError.TIMEOUT))
        desk.make_due()
    [delivery] = desk.turn().due

    assert ["drink.completed"] == types(desk.end(delivery, outcome(503)))
    assert ("order.placed", "failed", 11) == desk.deliveries("type, status::text, attempts")[0]
    with database.connection() as conn:
        log = webhooks.list_webhook_attempts(conn, delivery_id=delivery.id)
    assert [*range(1, 12)] == [attempt.number for attempt in log]
    assert [("timeout", None)] * 10 + [(None, 503)] == [(attempt.error, attempt.status_code) for attempt in log]


def test_a_receiver_that_asks_for_time_gets_it(database: Database, guest: UUID) -> None:
    desk = Desk(database)
    place(database, guest)
    [delivery] = desk.turn().due
    turn = desk.end(delivery, outcome(429, retry_after_seconds=600))
    assert turn.seconds_until_due is not None
    assert 590 < turn.seconds_until_due <= 600


def test_an_endpoint_that_is_gone_is_disabled_and_goes_on_where_it_stopped(database: Database, guest: UUID) -> None:
    desk = Desk(database)
    place(database, guest)
    [delivery] = desk.turn().due
    turn = desk.end(delivery, outcome(410))
    assert (False, "gone") == (turn.endpoint.enabled, turn.endpoint.disabled_reason)
    place(database, guest)
    assert [] == desk.turn().due
    assert [("pending", 1)] == desk.deliveries("status::text, attempts")

    with database.transaction() as conn:
        webhooks.update_webhook_endpoint(
            conn, id=desk.endpoint.id, url=None, types=None, enabled=True, set_description=False, description=None
        )
        assert 1 == hurry(conn, desk.endpoint)
    turn = desk.turn()
    assert (["order.placed", "order.placed"], None) == (types(turn), turn.endpoint.disabled_reason)


def test_nobody_is_told_for_an_integration_that_is_disabled(database: Database) -> None:
    with database.transaction() as conn:
        pos = add_integration(conn, "till")
    desk = Desk(database, integration_id=pos.id)
    place(database, pos.id)
    with database.connection() as conn:
        conn.execute("UPDATE users SET disabled_at = now() WHERE username = 'till'")
    with pytest.raises(LeaseLost):
        desk.turn()
    with database.transaction() as conn:
        conn.execute("UPDATE webhook_endpoints SET leased_until = NULL")
        assert [] == webhooks.lease_endpoints(conn, lease_seconds=10)
        conn.execute("UPDATE users SET disabled_at = NULL WHERE username = 'till'")
    desk.lease = desk.take_lease()
    assert ["order.placed"] == types(desk.turn())


def test_an_attempt_counts_once_though_nobody_knows_whether_its_turn_was_committed(
    database: Database, guest: UUID
) -> None:
    desk = Desk(database)
    place(database, guest)
    [delivery] = desk.turn().due
    attempt = Attempt(delivery, datetime.now(UTC), outcome(500))
    desk.turn(attempt)
    desk.turn(attempt)
    assert [("pending", 1, 1)] == desk.deliveries("status::text, attempts, failures")


def test_a_secret_in_use_outlives_two_rotations_on_a_day(database: Database) -> None:
    desk = Desk(database)
    with database.transaction() as conn:
        in_use = desk.endpoint.secret
        lost, newest = rotate_secret(conn, desk.endpoint), rotate_secret(conn, desk.endpoint)
    assert (in_use, in_use) == (lost.previous_secret, newest.previous_secret)
    assert 3 == len({in_use, lost.secret, newest.secret})


def test_whoever_holds_the_lease_no_more_writes_nothing(database: Database, guest: UUID) -> None:
    desk = Desk(database)
    place(database, guest)
    [delivery] = desk.turn().due
    old = desk.lease
    with database.connection() as conn:
        conn.execute("UPDATE webhook_endpoints SET leased_until = now() - interval '1 second'")
    new = desk.take_lease()
    assert new.token == old.token + 1

    with pytest.raises(LeaseLost):
        desk.turn(Attempt(delivery, datetime.now(UTC), outcome()), lease=old)
    assert [("pending", 0)] == desk.deliveries("status::text, attempts")
    assert [delivery] == desk.turn(lease=new).due


def test_a_lease_that_is_held_is_not_taken(database: Database) -> None:
    desk = Desk(database)
    with database.transaction() as conn:
        assert [] == webhooks.lease_endpoints(conn, lease_seconds=10)
        webhooks.end_lease(conn, id=desk.endpoint.id, lease_token=desk.lease.token)
    assert desk.take_lease().token == desk.lease.token + 1


def test_an_integration_hears_of_its_own_orders_and_the_house_of_all(database: Database, guest: UUID) -> None:
    with database.transaction() as conn:
        pos = add_integration(conn, "till")
    house, till = Desk(database), Desk(database, integration_id=pos.id)
    place(database, guest, "a guest's")
    place(database, pos.id, "the till's")

    def heard(desk: Desk) -> list[str]:
        return sorted(json.loads(delivery.body)["data"]["external_id"] for delivery in desk.turn().due)

    assert (["a guest's", "the till's"], ["the till's"]) == (heard(house), heard(till))


def test_only_what_is_wanted_is_sent_and_nothing_of_before(database: Database, guest: UUID, bartender: Actor) -> None:
    act(database, Verb.COMPLETE, bartender, place(database, guest))
    desk = Desk(database, types=[WebhookType.ORDER_COMPLETE])
    act(database, Verb.COMPLETE, bartender, placed := place(database, guest))
    assert ["order.complete"] == types(desk.turn())
    assert [("order.complete", placed.id, 1)] == desk.deliveries("type, order_id, sequence")


def test_a_long_log_is_worked_off_in_turns_and_nothing_is_missed(
    database: Database, guest: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MAX_EVENTS", 3)
    desk = Desk(database)
    placed = [str(place(database, guest).id) for _ in range(7)]
    assert [True, True, False, False] == [desk.turn().behind for _ in range(4)]
    assert placed == [json.loads(body)["data"]["order_id"] for (body,) in desk.deliveries("body")]


def test_another_bar_is_told_once_and_the_first_state_not_at_all(database: Database) -> None:
    desk = Desk(database)
    opened, closed = bar_news(BarNow(state=BarState.OPEN)), bar_news(BarNow(state=BarState.CLOSED, reason="fire"))
    assert [] == desk.turn(news=(opened,)).due
    [told] = desk.turn(news=(closed,)).due
    assert ("bar.changed", "fire") == (told.type, json.loads(told.body)["data"]["reason"])
    assert [] == desk.end(told, outcome()).due
    assert [] == desk.turn(news=(closed,)).due


def test_one_message_is_sent_again_by_hand(database: Database, guest: UUID, bartender: Actor) -> None:
    desk = Desk(database)
    act(database, Verb.COMPLETE, bartender, place(database, guest))
    [first] = desk.turn().due
    [second] = desk.end(first, outcome()).due
    with database.transaction() as conn:
        send_again(conn, desk.endpoint, first.id)
    assert [second.id] == [delivery.id for delivery in desk.turn().due]  # it waits its turn within the order

    [again] = desk.end(second, outcome()).due
    assert (first.id, first.body) == (again.id, again.body)
    assert ["order.complete"] == types(desk.end(again, outcome()))


def test_one_that_waits_for_its_next_attempt_goes_now(database: Database, guest: UUID) -> None:
    desk = Desk(database)
    place(database, guest)
    [delivery] = desk.turn().due
    assert [] == desk.end(delivery, outcome(500)).due
    with database.transaction() as conn:
        send_again(conn, desk.endpoint, delivery.id)
    assert [delivery.id] == [one.id for one in desk.turn().due]


def test_what_was_given_up_in_an_outage_is_sent_again_in_order(
    database: Database, guest: UUID, bartender: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.webhooks.schedule.DELAYS_SECONDS", ())
    desk = Desk(database)
    act(database, Verb.COMPLETE, bartender, place(database, guest))
    turn = desk.turn()
    while turn.due:
        turn = desk.end(turn.due[0], outcome(500))
    assert [("failed",)] * 3 == desk.deliveries("status::text")

    with database.transaction() as conn:
        sent = send_all_again(
            conn,
            desk.endpoint,
            status=WebhookDeliveryStatus.FAILED,
            created_from=datetime(2020, 1, 1, tzinfo=UTC),
            created_until=datetime.now(UTC),
        )
    assert SentAgain(3, None) == sent
    again = []
    turn = desk.turn()
    while turn.due:
        again += types(turn)
        turn = desk.end(turn.due[0], outcome())
    assert ["order.placed", "drink.completed", "order.complete"] == again


def test_old_messages_and_deleted_endpoints_are_forgotten(database: Database, guest: UUID) -> None:
    kept, deleted = Desk(database), Desk(database)
    place(database, guest)
    place(database, guest)
    for desk in (kept, deleted):
        for delivery in desk.turn().due[:1]:
            desk.end(delivery, outcome())
    with database.transaction() as conn:
        webhooks.delete_webhook_endpoint(conn, id=deleted.endpoint.id)
        assert 0 == webhooks.forget_endpoints(conn)
        assert 2 == webhooks.forget_deliveries_of_deleted(conn, at_most=10)
        assert 1 == webhooks.forget_endpoints(conn)
        assert 0 == webhooks.forget_done_deliveries(conn, kept_seconds=60, at_most=10)
        conn.execute("UPDATE webhook_deliveries SET done_at = now() - interval '61 seconds' WHERE done_at IS NOT NULL")
        assert 1 == webhooks.forget_done_deliveries(conn, kept_seconds=60, at_most=10)
    assert [("pending",)] == kept.deliveries("status::text")
    with pytest.raises(LeaseLost):
        deleted.turn()
