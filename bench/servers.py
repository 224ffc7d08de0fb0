"""PostgreSQL and RabbitMQ of one run, private and gone at its end; the product's settings to use them."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.queues import Queues
from dev import product, state
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.run import Parts, timed_line
from dev.servers import Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What every part of the benchmark works with: durable servers, a migrated database with menu and demo users."""

    folder: Path
    database_url: str
    amqp_url: str
    settings: dict[str, str]

    @property
    def told(self) -> str:
        """Their versions."""
        with psycopg.connect(self.database_url) as connection, Queues.of(self.amqp_url, []) as queues:
            version = connection.info.parameter_status("server_version") or "unknown"
            return f"{queues.broker}, PostgreSQL {version}"


@contextmanager
def running(postgres_settings: Mapping[str, str] | None = None) -> Iterator[Servers]:
    """Start them, durable as in production and on the loopback interface only, and end them afterwards.

    `postgres_settings` are what a measurement needs of PostgreSQL beyond the usual. AMQP_URL may name a broker to use
    instead of a private one; what is made on it is deleted again.

    Raises:
        ServerError: a part did not start.
    """
    with state.temporary() as folder, Parts() as parts:
        began = time.monotonic()
        postgres = PrivatePostgres(folder, settings=postgres_settings)
        parts.launch(postgres)
        amqp_url = os.environ.get("AMQP_URL") or launch_rabbitmq(parts, folder)
        wait_for(postgres, began)
        settings = product.environment(folder, DATABASE_URL=postgres.url, AMQP_URL=amqp_url)
        settings["RATE_LIMITS"] = "off"  # the few who make the load would exceed them
        prepare_database(folder, settings)
        for server in parts.running[1:]:
            wait_for(server, began)
        settings["SHAKERQUEUE_ENV"] = "production"
        yield Servers(folder=folder, database_url=postgres.url, amqp_url=amqp_url, settings=settings)


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
    """Migrate and seed, with the demo users, one of whom places the orders."""
    for name, words in (("migrate", product.MIGRATE), ("seed", product.SEED)):
        product.run_once(name, words, state_folder=folder, settings=settings)
