"""The servers of one run, all private and gone at its end: PostgreSQL, RabbitMQ and the contenders."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from bench.contenders import CONTENDERS, Contender
from bench.queues import Queues
from dev import product, state
from dev.ports import free_ports
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.run import Parts, timed_line
from dev.servers import Server, ServerError

GUEST = {"email": "user@example.com", "password": "password123"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a measurement works with. The first contender is ours."""

    postgres: PrivatePostgres
    queues: Queues
    contenders: list[Contender]

    def token(self) -> str:
        """A fresh access token of a guest, good for 15 minutes with every contender.

        Raises:
            ServerError: our API does not let the guest in.
        """
        answer = httpx.post(self.contenders[0].orders_url.replace("/orders", "/login"), json=GUEST)
        if answer.status_code != httpx.codes.OK:
            raise ServerError(f"signing in failed: {answer.status_code} {answer.text}")
        return str(answer.json()["token"])


@contextmanager
def running() -> Iterator[Stack]:
    """Start everything, durable as in production and on the loopback interface only, and end it afterwards.

    AMQP_URL may name a broker to use instead of a private one; what is made on it is deleted again.

    Raises:
        ServerError: a part did not start.
    """
    with state.temporary() as folder, Parts() as parts:
        began = time.monotonic()
        postgres = PrivatePostgres(folder)
        parts.launch(postgres)
        amqp_url = os.environ.get("AMQP_URL") or launch_rabbitmq(parts, folder)
        wait_for(postgres, began)
        settings = product.environment(folder, DATABASE_URL=postgres.url, AMQP_URL=amqp_url)
        prepare_database(folder, settings)
        for server in parts.running[1:]:
            wait_for(server, began)
        contenders = make_contenders(folder, settings)
        with Queues.of(amqp_url, [contender.topology for contender in contenders]) as queues, Parts() as measured:
            start_contenders(measured, contenders)
            yield Stack(postgres=postgres, queues=queues, contenders=contenders)


def launch_rabbitmq(parts: Parts, folder: Path) -> str:
    """Start a private node without waiting for it; its URL."""
    rabbitmq = PrivateRabbitMQ(folder)
    parts.launch(rabbitmq)
    return rabbitmq.url


def wait_for(server: Server, since: float) -> None:
    """Wait for one server and say so."""
    server.wait_ready()
    timed_line(server.name, "ready", since)


def prepare_database(folder: Path, settings: dict[str, str]) -> None:
    """Migrate and seed, with the demo users, one of which places the orders."""
    for name, words in (("migrate", product.MIGRATE), ("seed", product.SEED)):
        product.run_once(name, words, state_folder=folder, settings={**settings, "SHAKERQUEUE_ENV": "development"})


def make_contenders(folder: Path, settings: dict[str, str]) -> list[Contender]:
    """Everyone who is measured, not started yet. Queues carry a prefix that no other run has."""
    run = f"bench-{uuid4().hex[:8]}"
    ports = free_ports(len(CONTENDERS))
    made = enumerate(zip(CONTENDERS, ports, strict=True))
    return [make(folder, settings, port, f"{run}-{number}") for number, (make, port) in made]


def start_contenders(parts: Parts, contenders: list[Contender]) -> None:
    """Start one after the other and wait until each is ready."""
    for contender in contenders:
        began = time.monotonic()
        parts.launch(contender.server)
        wait_for(contender.server, began)
