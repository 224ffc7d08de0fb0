"""The whole product on the servers of a run, as it is run in production: API, one consumer, the sender of webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psutil

from bench.contenders import THREADS, WORKERS
from bench.servers import Servers
from dev import product
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.run import Api, Parts
from dev.servers import ServerError

GUEST, BARTENDER = "user@example.com", "bartender@example.com"
PASSWORD = "password123"  # noqa: S105 - the demo users', who are nowhere else
WORKER_COMMAND = "spawn_main"  # of multiprocessing; its resource tracker is a child of the API as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Production:
    """All its parts, running and ready."""

    api: Api
    consumer: ProductServer
    webhooks: ProductServer

    def sign_in(self, email: str) -> str:
        """An access token, good for 15 minutes.

        Raises:
            ServerError: the API does not let them in.
        """
        answer = httpx.post(f"{self.api.url}/login", json={"email": email, "password": PASSWORD})
        if answer.status_code != httpx.codes.OK:
            raise ServerError(f"signing in failed: {answer.status_code} {answer.text}")
        return str(answer.json()["token"])

    def api_workers(self) -> list[psutil.Process]:
        """The API's processes that serve requests."""
        children = psutil.Process(self.api.pid).children()
        return [child for child in children if any(WORKER_COMMAND in word for word in child.cmdline())]


@contextmanager
def running(servers: Servers) -> Iterator[Production]:
    """Start everything, on queues of its own, and end it afterwards.

    Raises:
        ServerError: a part did not start.
    """
    [port] = free_ports(1)
    settings = {
        **servers.settings,
        "AMQP_PREFIX": f"bench-{uuid4().hex[:8]}",
        "HOST": LOOPBACK,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "THREADS": str(THREADS),
        "LOG_LEVEL": "WARNING",
    }
    found = Production(
        api=Api(LOOPBACK, port, state_folder=servers.folder, settings=settings),
        consumer=ProductServer("Consumer", product.CONSUME, state_folder=servers.folder, settings=settings),
        webhooks=ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=servers.folder, settings=settings),
    )
    with Parts() as parts:
        for server in (found.consumer, found.webhooks, found.api):
            parts.launch(server)
        found.api.wait_ready()
        yield found
