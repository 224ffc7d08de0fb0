"""The whole product on servers of its own, watched by a real Prometheus, with guests who go on ordering."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from dev import product
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.prometheus import PrivatePrometheus
from dev.run import Api
from tests.chaos.servers import Servers, product_settings, running
from tests.support.bar import Bar, create_database, sign_in
from tests.support.rules import prometheus_or_skip

NAME = "watched"
PAUSE_SECONDS = 0.03  # between two orders of one guest
REQUEST_SECONDS = 6.0


class CrampedApi(Api):
    """The API where no file may be larger than a few MB: there is no room for what its workers would share."""

    def command(self) -> list[str | Path]:
        """The same, under a limit of the shell's, which counts in blocks of 512 bytes (bash: 1024)."""
        return ["sh", "-c", 'ulimit -f 4096; exec "$@"', "sh", *super().command()]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """All its parts. `servers` are the broker and the database."""

    servers: Servers
    bar: Bar
    api: Api
    cramped_api: CrampedApi  # in its place
    consumer: ProductServer
    webhooks: ProductServer
    prometheus: PrivatePrometheus

    @contextmanager
    def client(self, email: str = "user@example.com") -> Iterator[httpx.Client]:
        """A client of the API, signed in."""
        with httpx.Client(base_url=self.api.url, timeout=REQUEST_SECONDS, trust_env=False) as client:
            client.headers.update(sign_in(client, email))
            yield client

    def administer(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A connection of the superuser to the bar's database."""
        url = self.servers.postgres.admin_url.rpartition("/")[0] + f"/{NAME}"
        return psycopg.connect(url, autocommit=True)


@contextmanager
def watched(rules: Path, settings: Mapping[str, str]) -> Iterator[Watched]:
    """Everything, started and ready; ended afterwards."""
    prometheus_or_skip()
    api_port, *ports = free_ports(4)
    jobs = dict(zip(("shakerqueue-api", "shakerqueue-consumer", "shakerqueue-webhooks"), ports, strict=True))
    with running() as servers, ExitStack() as stack:
        bar = Bar(create_database(servers.postgres, NAME, "chaos_template"), servers.rabbitmq.url, NAME, servers.folder)
        common = product_settings(
            servers,
            DATABASE_URL=bar.database_url,
            AMQP_URL=bar.amqp_url,
            AMQP_PREFIX=NAME,
            HOST=LOOPBACK,
            PORT=str(api_port),
            WEBHOOK_ALLOW_PRIVATE="true",
            **settings,
        )
        of_api, of_consumer, of_webhooks = ({**common, "METRICS_PORT": str(port)} for port in ports)
        folder = servers.folder
        found = Watched(
            servers=servers,
            bar=bar,
            api=Api(LOOPBACK, api_port, state_folder=folder, settings=of_api),
            cramped_api=CrampedApi(LOOPBACK, api_port, state_folder=folder, settings=of_api),
            consumer=ProductServer("Consumer", product.CONSUME, state_folder=folder, settings=of_consumer),
            webhooks=ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=folder, settings=of_webhooks),
            prometheus=PrivatePrometheus(folder, jobs, rules),
        )
        for server in (found.consumer, found.webhooks, found.api, found.prometheus):
            stack.callback(server.stop)
            server.launch()
        stack.callback(found.cramped_api.stop)
        found.api.wait_ready()
        found.prometheus.wait_ready()
        yield found


@contextmanager
def ordering(watched: Watched, guests: int = 2) -> Iterator[None]:
    """Guests order one drink after the other, whatever is answered."""
    stopping = threading.Event()

    def order() -> None:
        with watched.client() as client:
            while not stopping.wait(PAUSE_SECONDS):
                try:
                    client.post("/orders", json={"recipe": "Negroni"})
                except httpx.TransportError:
                    stopping.wait(1)

    threads = [threading.Thread(target=order, daemon=True) for _ in range(guests)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(2 * REQUEST_SECONDS)
