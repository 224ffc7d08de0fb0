"""`python -m dev.trace`: places one order with the real processes, and draws its trace."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from dev import product, state
from dev.otlp import Collector, ReceivedSpan, collecting
from dev.ports import LOOPBACK, free_ports
from dev.postgres import PrivatePostgres
from dev.product import ProductServer
from dev.rabbitmq import PrivateRabbitMQ
from dev.rabbitmq_install import ensure_installed
from dev.run import Api, Parts, interrupt_on_signals
from dev.servers import ServerError

WIDTH = 40  # characters that the longest wait takes
WAIT_SECONDS = 30.0
POLL_SECONDS = 0.05
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
FIRST_TRACE_ID = "7e0c63257de34c92bf9efcd03927272e"
ALL_SPANS = {"POST /orders", "store order", "store orders", "process orders", "POST webhook"}


def main() -> int:
    """Exit code 0 when a trace was drawn."""
    interrupt_on_signals()
    try:
        with collecting() as collector, running(collector) as url, signed_in(url) as client:
            hook = {"url": f"{collector.endpoint}/hook", "types": ["order.placed"]}
            client.post("/webhooks", json=hook).raise_for_status()
            for trace_id in (FIRST_TRACE_ID, TRACE_ID):  # the first order of all opens connections
                place_order(client, trace_id)
                await_spans(collector, trace_id)
            print(waterfall(collector.trace(TRACE_ID)))
    except (ServerError, TimeoutError, httpx.HTTPError) as error:
        print(f"dev.trace: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def running(collector: Collector) -> Iterator[str]:
    """The product on servers of its own, its traces going to the collector; the API's URL."""
    with state.temporary() as folder, Parts() as parts:
        postgres, port = PrivatePostgres(folder), free_ports(1)[0]
        parts.launch(postgres)
        amqp_url = os.environ.get("AMQP_URL") or launch_rabbitmq(parts, folder)
        for server in parts.running:
            server.wait_ready()
        settings = product.environment(
            folder,
            DATABASE_URL=postgres.url,
            AMQP_URL=amqp_url,
            PORT=str(port),
            WORKERS="1",
            WEBHOOK_ALLOW_PRIVATE="true",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
            OTEL_BSP_SCHEDULE_DELAY="200",
        )
        for name, words in (("migrate", product.MIGRATE), ("seed", product.SEED)):
            product.run_once(name, words, state_folder=folder, settings=settings)
        parts.launch(ProductServer("Consumer", product.CONSUME, state_folder=folder, settings=settings))
        parts.launch(ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=folder, settings=settings))
        api = Api(LOOPBACK, port, state_folder=folder, settings=settings)
        parts.launch(api)
        api.wait_ready()
        yield api.url


def launch_rabbitmq(parts: Parts, folder: Path) -> str:
    """A private broker; its URL."""
    ensure_installed()
    rabbitmq = PrivateRabbitMQ(folder)
    parts.launch(rabbitmq)
    return rabbitmq.url


def signed_in(url: str) -> httpx.Client:
    """The admin's client, open once it is entered."""
    admin = {"email": "admin@example.com", "password": "password123"}
    token = httpx.post(f"{url}/login", json=admin).raise_for_status().json()["token"]
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"})


def place_order(client: httpx.Client, trace_id: str) -> None:
    """Order a drink within this trace."""
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    client.post("/orders", json={"recipe": "Margarita"}, headers=headers).raise_for_status()


def await_spans(collector: Collector, trace_id: str) -> None:
    """Return once all spans of an order have come.

    Raises:
        TimeoutError: they have not.
    """
    give_up = time.monotonic() + WAIT_SECONDS
    while missing := ALL_SPANS - {span.name for span in collector.trace(trace_id)}:
        if time.monotonic() > give_up:
            raise TimeoutError(f"no span came of {', '.join(sorted(missing))}")
        time.sleep(POLL_SECONDS)


def waterfall(spans: list[ReceivedSpan]) -> str:
    """The spans one below the other, each where it lies in time, and what they did most of all."""
    began_at = min(span.began_at for span in spans)
    scale = WIDTH / max(span.ended_at - began_at for span in spans)
    return "\n".join(_row(span, spans, began_at, scale) for span in spans)


def _row(span: ReceivedSpan, spans: list[ReceivedSpan], began_at: float, scale: float) -> str:
    name = f"{'  ' * _depth(span, spans)}{span.name}"
    offset = int((span.began_at - began_at) * scale)
    bar = " " * offset + "█" * max(1, round((span.ended_at - span.began_at) * scale))
    times = f"{(span.began_at - began_at) * 1000:7.1f} {(span.ended_at - span.began_at) * 1000:6.1f} ms"
    return f"{span.service.removeprefix('shakerqueue-'):<9} {name:<32} {times}  {bar}".rstrip()


def _depth(span: ReceivedSpan, spans: list[ReceivedSpan]) -> int:
    parent = next((one for one in spans if one.id == span.parent_id), None)
    return 0 if parent is None else 1 + _depth(parent, spans)


if __name__ == "__main__":
    sys.exit(main())
