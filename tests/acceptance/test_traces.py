"""Traces across the real processes, each with an exporter of its own, to a collector of this test."""

import psycopg

from dev.otlp import Collector, ReceivedSpan, collecting
from dev.trace import ALL_SPANS, waterfall
from shakerqueue.webhook_types import WebhookType
from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually
from tests.support.webhook_receiver import receiver
from tests.support.webhooks import add_endpoint

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_one_order_is_followed_across_the_processes_by_its_trace_id(bar: Bar) -> None:
    with collecting() as collector, receiver() as here:
        bar.extra_environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20of-the-collector",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        with psycopg.connect(bar.database_url) as conn:
            add_endpoint(conn, here.url, WebhookType.ORDER_PLACED)
        with bar.api() as client, bar.process("consume"), bar.process("webhooks"):
            traced = {**sign_in(client), "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
            order_id = client.post("/orders", json={"recipe": "Margarita"}, headers=traced).json()["id"]
            eventually(lambda: ALL_SPANS <= names(collector), 30)

    services = {span.name: span.service for span in collector.trace(TRACE_ID)}
    publish = f"publish {bar.topology.orders_exchange}"
    assert {
        "POST /orders": "shakerqueue-api",
        publish: "shakerqueue-api",
        "process orders": "shakerqueue-consumer",
        "store orders": "shakerqueue-consumer",
        "store order": "shakerqueue-consumer",
        "POST webhook": "shakerqueue-webhooks",
    } == services
    own = {span.name: span for span in collector.spans if span.trace_id == TRACE_ID}
    request = own.pop("POST /orders")
    assert {publish, "store order", "POST webhook"} == set(own)
    assert {request.id} == {span.parent_id for span in own.values()}
    assert {order_id} == {orders_of(span) for span in (request, own["store order"], own["POST webhook"])}
    assert len(services) == len(waterfall(collector.trace(TRACE_ID)).splitlines())
    assert {"Bearer of-the-collector"} == {headers["authorization"] for headers in collector.headers}


def names(collector: Collector) -> set[str]:
    return {span.name for span in collector.trace(TRACE_ID)}


def orders_of(span: ReceivedSpan) -> str:
    return str(span.attributes["shakerqueue.order_id"])


def test_spans_that_wait_are_sent_when_the_processes_end(bar: Bar) -> None:
    with collecting() as collector:
        bar.extra_environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        }
        with bar.api() as client, bar.process("consume"):
            client.post("/orders", json={"recipe": "Margarita"}, headers=sign_in(client))
            eventually(lambda: bar.query("SELECT 1 FROM orders"), 30)
            assert [] == collector.spans
        assert {"POST /orders", "store orders"} <= {span.name for span in collector.spans}
