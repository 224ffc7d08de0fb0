"""One order, followed through all parts by its trace; and what traces cost while they are off: nothing."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, format_span_id, format_trace_id

from consumer.webhooks.dispatcher import Dispatcher
from consumer.worker import Worker
from shakerqueue.database import running_database
from shakerqueue.messaging.messages import unpack
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.spans import STOP_SECONDS, exporting_tracer
from shakerqueue.telemetry.tracing import Kind
from shakerqueue.webhook_types import WebhookType
from tests.support.application import running_app, sign_in
from tests.support.bar import Bar
from tests.support.imports import imported_by
from tests.support.spans import Spans, kept_spans
from tests.support.waiting import eventually
from tests.support.webhook_receiver import receiver
from tests.support.webhooks import add_endpoint

TRACE_ID, CALLER_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = {"traceparent": f"00-{TRACE_ID}-{CALLER_ID}-01", "tracestate": "till=7"}
MARGARITA = {"recipe": "Margarita"}


@pytest.fixture
def spans() -> Iterator[Spans]:
    with kept_spans() as spans:
        yield spans


@contextmanager
def consuming(bar: Bar) -> Iterator[None]:
    with running_database(bar.database_url, "tests") as database:
        worker = Worker(bar.amqp_url, bar.topology, database, batch_size=50)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            yield
        finally:
            worker.stop()
            thread.join(10)


@contextmanager
def dispatching(bar: Bar) -> Iterator[None]:
    dispatcher = Dispatcher(bar.settings)
    loop = asyncio.new_event_loop()

    def dispatch() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(dispatcher.run())

    thread = threading.Thread(target=dispatch)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(dispatcher.stop)
        thread.join(10)


def place(client: FlaskClient, headers: dict[str, str] = TRACED) -> str:
    placed = client.post("/orders", json=MARGARITA, headers={**sign_in(client, "user@example.com"), **headers})
    assert 202 == placed.status_code
    return str(placed.get_json()["id"])


def context_of(span: ReadableSpan) -> tuple[str, str]:
    assert span.context is not None
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id)


def parent_of(span: ReadableSpan) -> tuple[str, str] | None:
    return span.parent and (format_trace_id(span.parent.trace_id), format_span_id(span.parent.span_id))


def links_of(span: ReadableSpan) -> list[tuple[str, str]]:
    return [(format_trace_id(link.context.trace_id), format_span_id(link.context.span_id)) for link in span.links]


def only(spans: Spans, name: str) -> ReadableSpan:
    [span] = eventually(lambda: spans.named(name))
    return span


def attributes_of(span: ReadableSpan, *names: str) -> list[Any]:
    return [(span.attributes or {}).get(name) for name in names]


def test_an_order_is_one_trace_from_the_request_to_the_webhook(bar: Bar, spans: Spans) -> None:
    with receiver() as here, running_app(bar) as app, consuming(bar), dispatching(bar):
        with psycopg.connect(bar.database_url) as conn:
            add_endpoint(conn, here.url, WebhookType.ORDER_PLACED)
        order_id = place(app.test_client())
        [received] = eventually(lambda: here.received, 30)
        webhook = only(spans, "POST webhook")

    request = only(spans, "POST /orders")
    assert ((TRACE_ID, CALLER_ID), SpanKind.SERVER) == (parent_of(request), request.kind)
    assert ["POST", "/orders", 202, order_id] == attributes_of(
        request, "http.request.method", "http.route", "http.response.status_code", "shakerqueue.order_id"
    )

    publish = only(spans, f"publish {bar.topology.orders_exchange}")
    assert (context_of(request), SpanKind.PRODUCER) == (parent_of(publish), publish.kind)
    assert ["rabbitmq", "send", bar.topology.orders_exchange] == attributes_of(
        publish, "messaging.system", "messaging.operation.type", "messaging.destination.name"
    )

    batch, stored = only(spans, "process orders"), only(spans, "store orders")
    assert (None, [context_of(request)], SpanKind.CONSUMER) == (parent_of(batch), links_of(batch), batch.kind)
    assert ["rabbitmq", "process", 1] == attributes_of(
        batch, "messaging.system", "messaging.operation.type", "messaging.batch.message_count"
    )
    assert context_of(batch) == parent_of(stored)
    assert ["inserted", "committed"] == [event.name for event in stored.events]
    assert ["consumer", 1, 1] == attributes_of(
        stored, "shakerqueue.writer", "shakerqueue.orders", "shakerqueue.orders.fresh"
    )

    share = only(spans, "store order")
    assert (context_of(request), [context_of(stored)]) == (parent_of(share), links_of(share))
    assert [order_id] == attributes_of(share, "shakerqueue.order_id")

    assert (context_of(request), SpanKind.CLIENT) == (parent_of(webhook), webhook.kind)
    assert ["POST", 200, order_id] == attributes_of(
        webhook, "http.request.method", "http.response.status_code", "shakerqueue.order_id"
    )
    assert "00-{}-{}-01".format(*context_of(webhook)) == received.headers["traceparent"]


def test_what_the_api_stores_itself_is_in_the_trace_as_well(bar: Bar, spans: Spans) -> None:
    with running_app(bar, amqp_url=None) as app:
        place(app.test_client())
        share, stored = only(spans, "store order"), only(spans, "store orders")
    request = only(spans, "POST /orders")
    assert (None, [context_of(request)]) == (parent_of(stored), links_of(stored))
    assert (context_of(request), [context_of(stored)]) == (parent_of(share), links_of(share))
    assert ["api"] == attributes_of(stored, "shakerqueue.writer")


def test_what_is_not_told_any_more_is_forgotten(bar: Bar, spans: Spans) -> None:
    with running_app(bar, amqp_url=None) as app:
        place(app.test_client())
        place(app.test_client())
    bar.change(
        "UPDATE order_traces SET created_at = now() - interval '31 days'"
        " WHERE order_id = (SELECT id FROM orders ORDER BY placed_at LIMIT 1)"
    )
    with dispatching(bar):
        eventually(lambda: 1 == len(bar.query("SELECT * FROM order_traces")))


def test_the_orders_of_a_batch_carry_its_requests_trace(bar: Bar, spans: Spans) -> None:
    with running_app(bar) as app:
        client = app.test_client()
        bartender = sign_in(client, "bartender@example.com")
        orders = [{"idempotency_key": uuid4().hex, **MARGARITA} for _ in range(2)]
        assert 200 == client.post("/orders/batch", json={"orders": orders}, headers={**bartender, **TRACED}).status_code
        request = only(spans, "POST /orders/batch")
    assert ["00-{}-{}-01".format(*context_of(request))] * 2 == carried_traceparents(bar)


def carried_traceparents(bar: Bar) -> list[str | None]:
    connection, channel = bar.open_channel()
    with connection:
        _, _, body = channel.basic_get(bar.topology.orders_queue, auto_ack=True)
    return [order.traceparent for order in unpack(body)]


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_who_sends_no_context_gets_a_trace_of_its_own(bar: Bar, spans: Spans, traceparent: str) -> None:
    with running_app(bar, amqp_url=None) as app:
        app.test_client().get("/menu", headers={"traceparent": traceparent})
    assert parent_of(only(spans, "GET /menu")) is None


def test_a_trace_that_is_not_recorded_costs_nothing_further_on(bar: Bar) -> None:
    with kept_spans(sample_ratio=0) as spans, running_app(bar) as app:
        place(app.test_client(), {})
        place(app.test_client(), {"traceparent": f"00-{TRACE_ID}-{CALLER_ID}-00"})
        assert [] == spans.all()
        assert [None] == carried_traceparents(bar)


def test_nobody_has_more_recorded_than_the_house_wants(bar: Bar) -> None:
    with kept_spans(sample_ratio=0) as spans, running_app(bar, amqp_url=None) as app:
        app.test_client().get("/menu", headers=TRACED)
        assert [] == spans.all()


def test_whose_sender_does_not_record_it_is_not_recorded(bar: Bar, spans: Spans) -> None:
    with running_app(bar, amqp_url=None) as app:
        app.test_client().get("/menu", headers={"traceparent": f"00-{TRACE_ID}-{CALLER_ID}-00"})
        assert [] == spans.all()


def test_a_trace_that_cannot_be_kept_costs_no_order(bar: Bar, spans: Spans) -> None:
    bar.change("ALTER TABLE order_traces RENAME TO elsewhere")
    with running_app(bar, amqp_url=None) as app:
        order_id = place(app.test_client())
    assert [(UUID(order_id), "pending")] == bar.query("SELECT id, status FROM orders")
    assert ["placed"] == [row[0] for row in bar.query("SELECT type FROM order_events")]


def test_while_traces_are_off_no_context_goes_on(bar: Bar) -> None:
    with running_app(bar) as app, consuming(bar):
        place(app.test_client())
        eventually(lambda: bar.query("SELECT 1 FROM orders"))
    assert [] == bar.query("SELECT * FROM order_traces")


def test_while_traces_are_off_nothing_of_them_is_imported() -> None:
    statements = "import shakerqueue.app, consumer.__main__, consumer.webhooks.__main__"
    assert [] == imported_by(statements, {"opentelemetry"})


def test_methods_and_paths_that_are_made_up_make_no_names(bar: Bar, spans: Spans) -> None:
    with running_app(bar, amqp_url=None) as app:
        client = FlaskClient(app, app.response_class)
        client.open("/orders", method="BREW")
        client.get("/nowhere/7")
        client.get("/livez")
    assert ["_OTHER", "GET"] == [span.name for span in spans.all()]


def test_spans_hold_no_credentials_and_no_words_of_an_error(
    bar: Bar, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise ValueError("hunter2")

    with running_app(bar) as app:
        client = FlaskClient(app, app.response_class)
        guest = sign_in(client, "user@example.com")
        client.get("/t/AbCdEfGh", headers=guest)
        client.get("/orders?ticket=T-secret", headers=guest)
        monkeypatch.setattr("shakerqueue.messaging.publisher.encode_order", fail)
        assert 500 == client.post("/orders", json=MARGARITA, headers=guest).status_code
    told = "".join(span.to_json() for span in spans.all())
    for secret in ("hunter2", "password123", "AbCdEfGh", "T-secret", guest["Authorization"].split()[1]):
        assert secret not in told
    assert ["ValueError"] == attributes_of(only(spans, f"publish {bar.topology.orders_exchange}"), "error.type")


@pytest.mark.alone
def test_a_collector_that_never_answers_holds_up_nobody(tmp_path: Path) -> None:
    settings = Bar("", "", "none", tmp_path).settings
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing on them
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        tracing.use(exporting_tracer(replace(settings, otlp_endpoint=endpoint), "shakerqueue-tests"))
        began = monotonic()
        for _ in range(10_000):  # more than find room in the queue
            with tracing.begun("work", Kind.SERVER, None):
                pass
        worked, began = monotonic() - began, monotonic()
        tracing.stop()
    assert worked < 5.0
    assert monotonic() - began < STOP_SECONDS + 0.5
