"""What waits in the servers, as metrics: true, bounded in time, and without what a server does not tell."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
import pytest
from prometheus_client.metrics_core import Metric

from shakerqueue.backlog import KEPT_SECONDS, Backlog
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries import backlog
from shakerqueue.queries.models import UserRole
from tests.support.bar import Bar, free_port
from tests.support.letters import dead_letter, put_dead
from tests.support.orders import drink, order, principal_id
from tests.support.plans import PLANS, connect_as_the_product, explain
from tests.support.waiting import eventually
from tests.support.webhooks import add_endpoint

Values = dict[tuple[str, ...], float]
UP = "shakerqueue_part_up"
OF_THE_DATABASE = {
    "drinks_open",
    "drinks_late",
    "oldest_open_drink_age_seconds",
    "webhook_endpoints",
    "webhook_deliveries_waiting",
    "oldest_webhook_delivery_age_seconds",
    "oldest_untold_event_age_seconds",
}
OF_THE_BROKER = {"queue_messages", "queue_consumers"}


def told(collector: Backlog) -> Values:
    """Each sample's value by its name, without our prefix, and its labels' values."""
    return {
        (sample.name.removeprefix("shakerqueue_"), *sample.labels.values()): sample.value
        for metric in collector.collect()
        for sample in metric.samples
    }


def names(values: Values) -> set[str]:
    return {name for name, *_ in values}


@pytest.fixture
def bar(bar: Bar) -> Bar:
    """With its queues."""
    bar.open_channel()[0].close()
    return bar


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_what_waits_is_told(bar: Bar) -> None:
    now = datetime.now(UTC)
    with psycopg.connect(bar.database_url) as conn:
        add_endpoint(conn)
        guest = principal_id(conn)
        insert_orders(conn, [order(guest, drink(conn), drink(conn), placed_at=now - timedelta(hours=1))])
        fresh = order(guest, drink(conn), placed_at=now)
        insert_orders(conn, [fresh])
        bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        act_on_item(conn, fresh.id, 1, Verb.START, bartender, now)
    bar.change("UPDATE order_events SET created_at = now() - interval '2 hours'")
    put_dead(bar, dead_letter(b"a"))
    eventually(lambda: bar.queue_length(bar.topology.dead_queue) == 1)

    found = told(Backlog(bar.settings))
    assert (1, 1) == (found["part_up", "database"], found["part_up", "broker"])
    assert (2, 1, 2) == (found["drinks_open", "pending"], found["drinks_open", "in_progress"], found["drinks_late",])
    assert 3600 == pytest.approx(found["oldest_open_drink_age_seconds",], abs=60)
    assert 7200 == pytest.approx(found["oldest_untold_event_age_seconds",], abs=60)
    assert (1, 0, 0) == tuple(found["webhook_endpoints", state] for state in ("enabled", "disabled", "gone"))
    assert (0, 0) == (found["webhook_deliveries_waiting",], found["oldest_webhook_delivery_age_seconds",])
    queues = ("orders", "retry_5s", "retry_30s", "retry_300s", "dead")
    assert [0, 0, 0, 0, 1] == [found["queue_messages", queue] for queue in queues]
    assert 0 == found["queue_consumers", "orders"]


def test_deliveries_wait_where_somebody_is_sent_to(bar: Bar) -> None:
    with psycopg.connect(bar.database_url) as conn:
        add_endpoint(conn)
        off = add_endpoint(conn)
    bar.change(f"UPDATE webhook_endpoints SET enabled = false, disabled_reason = 'gone' WHERE id = '{off.id}'")
    bar.change(
        "INSERT INTO webhook_deliveries (endpoint_id, type, body, next_attempt_at, created_at)"
        " SELECT id, 'webhook.test', '{}', now() + interval '1 day', now() - interval '1 hour' FROM webhook_endpoints"
    )
    found = told(Backlog(bar.settings))
    assert (1, 0, 1) == tuple(found["webhook_endpoints", state] for state in ("enabled", "disabled", "gone"))
    assert 1 == found["webhook_deliveries_waiting",]
    assert 3600 == pytest.approx(found["oldest_webhook_delivery_age_seconds",], abs=60)


@pytest.mark.parametrize(
    ("setting", "url", "away", "left"),
    [
        ("database_url", "postgresql://127.0.0.1:{}/nowhere", "database", OF_THE_BROKER),
        ("amqp_url", "amqp://127.0.0.1:{}", "broker", OF_THE_DATABASE),
    ],
)
@pytest.mark.parametrize("port", [free_port, None], ids=["refused", "silent"])
def test_a_server_that_is_away_is_said_and_left_out_within_a_second(
    bar: Bar, silent_port: int, setting: str, url: str, away: str, left: set[str], port: Callable[[], int] | None
) -> None:
    elsewhere = replace(bar.settings, **{setting: url.format(port() if port else silent_port)})  # type: ignore[arg-type]
    began = time.monotonic()
    found = told(Backlog(elsewhere))
    assert 1.5 > time.monotonic() - began
    assert 0 == found["part_up", away]
    assert {"part_up", *left} == names(found)


def test_without_a_broker_none_is_missed(bar: Bar) -> None:
    found = told(Backlog(replace(bar.settings, amqp_url=None)))
    assert {("part_up", "database"): 1} == {key: value for key, value in found.items() if key[0] == "part_up"}


def noted(readings: list[str], part: str) -> list[Metric]:
    readings.append(part)
    return []


def test_many_who_ask_cost_no_more_than_one(bar: Bar, monkeypatch: pytest.MonkeyPatch) -> None:
    readings: list[str] = []
    collector = Backlog(bar.settings)
    for reading in collector._readings:
        monkeypatch.setattr(reading, "_read", partial(noted, readings, reading.part))
    for _ in range(3):
        told(collector)
    assert ["broker", "database"] == sorted(readings)


def test_it_is_read_anew_when_it_is_old(bar: Bar, monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Backlog(bar.settings)
    assert 0 == told(collector)["queue_messages", "dead"]
    put_dead(bar, dead_letter(b"a"))
    eventually(lambda: bar.queue_length(bar.topology.dead_queue) == 1)
    assert 0 == told(collector)["queue_messages", "dead"]
    for reading in collector._readings:
        reading._answered_at -= KEPT_SECONDS
    assert 1 == told(collector)["queue_messages", "dead"]


@pytest.fixture
def long_history(bar: Bar) -> Bar:
    """Twenty thousand events, and as many messages that are done; of two endpoints one is at the end of the log."""
    with psycopg.connect(bar.database_url) as conn:
        add_endpoint(conn)
        add_endpoint(conn, integration_id=principal_id(conn))
        guest, other = principal_id(conn), principal_id(conn, "bartender@example.com")
        placed = order(guest, drink(conn))
        insert_orders(conn, [placed])
    bar.change(
        "INSERT INTO order_events (order_id, type, principal_id)"
        f" SELECT '{placed.id}', 'placed', CASE WHEN n % 2 = 0 THEN '{guest}' ELSE '{other}' END::uuid"
        " FROM generate_series(1, 20000) AS n"
    )
    bar.change(
        "INSERT INTO webhook_deliveries (endpoint_id, type, body, status, done_at)"
        " SELECT e.id, 'webhook.test', '{}', 'delivered', now()"
        " FROM generate_series(1, 10000), webhook_endpoints AS e"
    )
    bar.change("UPDATE webhook_endpoints SET last_event_id = (SELECT max(id) FROM order_events)")
    bar.change("ANALYZE")
    return bar


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    ("query", "arguments", "large"),
    [
        (backlog.GET_OPEN_DRINKS_BACKLOG, "", "order_items"),
        (backlog.GET_DELIVERIES_BACKLOG, "(100000)", "webhook_deliveries"),
        (backlog.GET_OLDEST_UNTOLD_EVENT, "", "order_events"),
    ],
)
def test_what_is_over_is_not_looked_at(long_history: Bar, query: str, arguments: str, large: str, plan: str) -> None:
    with connect_as_the_product(long_history.database_url) as conn:
        nodes = explain(conn, query, arguments, plan, "ANALYZE")
    scans = [node for node in nodes if node.get("Relation Name") == large]
    assert scans
    for node in scans:
        looked_at = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        assert 10 > looked_at, node
