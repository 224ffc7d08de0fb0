"""The whole product on the servers of a run, as it is run in production: API, one consumer, the sender of webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psutil

from bench.contenders import our_settings
from bench.queues import Queues
from bench.servers import Servers
from dev import product
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.run import Api, Parts
from shakerqueue.messaging.topology import Topology

WORKER_COMMAND = "spawn_main"  # of multiprocessing; its resource tracker is a child of the API as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """All its parts, running and ready."""

    api: Api
    consumer: ProductServer
    webhooks: ProductServer

    def api_workers(self) -> list[psutil.Process]:
        """The API's processes that serve requests."""
        children = psutil.Process(self.api.pid).children()
        return [child for child in children if any(WORKER_COMMAND in word for word in child.cmdline())]


@contextmanager
def running(servers: Servers, **more: str) -> Iterator[Production]:
    """Start everything, on queues of its own and with `more` settings, and end it afterwards.

    Raises:
        ServerError: a part did not start.
    """
    [port], topology = free_ports(1), Topology(f"bench-{uuid4().hex[:8]}")
    settings = {**our_settings(servers.settings, port, topology.prefix), **more}
    found = Production(
        api=Api(LOOPBACK, port, state_folder=servers.folder, settings=settings),
        consumer=ProductServer("Consumer", product.CONSUME, state_folder=servers.folder, settings=settings),
        webhooks=ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=servers.folder, settings=settings),
    )
    with Queues.of(servers.amqp_url, [topology]), Parts() as parts:
        for server in (found.consumer, found.webhooks, found.api):
            parts.launch(server)
        found.api.wait_ready()
        yield found
