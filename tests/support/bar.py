"""One test's bar: a database of its own, queues of its own, and the real processes on demand."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import httpx
import psycopg
from pika import BlockingConnection
from pika.adapters.blocking_connection import BlockingChannel
from psycopg import sql

from dev.ports import free_ports
from dev.postgres import PrivatePostgres
from dev.product import inherited_environment
from shakerqueue.business_days import BusinessDays
from shakerqueue.config import Environment, Settings
from shakerqueue.messaging import connections
from shakerqueue.messaging.topology import Topology
from tests.support.waiting import eventually

API_WORKERS = 2
STOP_SECONDS = 15
DEMO_PASSWORD = "password123"


@dataclass
class Bar:
    """Where a test's data lives. Nothing of it is shared with another test or with `make run`."""

    database_url: str
    amqp_url: str
    prefix: str
    folder: Path
    extra_environment: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(
            environment=Environment.TEST,
            database_url=self.database_url,
            amqp_url=self.amqp_url,
            amqp_prefix=self.prefix,
            jwt_secret="the signing key of the tests, 32 bytes+",
            password_pepper="the pepper of the tests, 32 bytes and more",
            access_token_seconds=900,
            refresh_token_seconds=3600,
            guest_pass_seconds=1800,
            bcrypt_cost=4,
            host="127.0.0.1",
            port=free_port(),
            workers=1,
            threads=16,
            streams=8,
            database_pool_size=4,
            consumer_batch_size=200,
            log_level="INFO",
            log_format="json",
            business_days=BusinessDays(ZoneInfo("UTC"), time(5)),
            webhook_allow_private=True,
        )

    @property
    def topology(self) -> Topology:
        return Topology(self.prefix)

    def environment(self, port: int) -> dict[str, str]:
        settings = self.settings
        chosen = {
            "SHAKERQUEUE_ENV": "test",
            "DATABASE_URL": settings.database_url,
            "AMQP_URL": self.amqp_url,
            "AMQP_PREFIX": settings.amqp_prefix,
            "JWT_SECRET": settings.jwt_secret,
            "PASSWORD_PEPPER": settings.password_pepper,
            "BCRYPT_COST": str(settings.bcrypt_cost),
            "PORT": str(port),
            "WORKERS": str(API_WORKERS),
            "STREAMS": str(settings.streams),
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "RATE_LIMITS": "off",  # one machine is a whole house of guests
            **self.extra_environment,
        }
        return {**inherited_environment(chosen), **chosen}

    @contextmanager
    def process(self, *arguments: str, port: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """A `shakerqueue` command of this bar, ended with TERM, its output in a file of the test's folder."""
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            process = self._start(arguments, port, log)
            try:
                yield process
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)

    def _start(self, arguments: tuple[str, ...], port: int, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "shakerqueue.cli", *arguments],
            env=self.environment(port or free_port()),
            stdout=log,
            stderr=log,
        )

    @contextmanager
    def api(self) -> Iterator[httpx.Client]:
        """The API as a real process, all its workers ready, with a client of it."""
        port = free_port()
        log = self.folder / "serve.log"
        began = log.stat().st_size if log.exists() else 0
        with self.process("serve", port=port), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            await_workers(client, log, began)
            yield client

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database_url) as conn:
            return conn.execute(sql.encode()).fetchall()

    def change(self, sql: str) -> None:
        with psycopg.connect(self.database_url) as conn:
            conn.execute(sql.encode())

    def waiting_for_a_lock(self) -> object:
        """How many connections wait for a lock of this bar's database."""
        return self.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )[0][0]

    def queue_length(self, queue: str) -> int:
        """Messages that are ready in a queue."""
        connection, channel = self.open_channel()
        with connection:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def open_channel(self) -> tuple[BlockingConnection, BlockingChannel]:
        """A connection of its own and a channel on which the topology is declared."""
        return connections.open_declared(connections.parameters(self.amqp_url, "tests", 60), self.topology)


def create_database(postgres: PrivatePostgres, name: str, template: str = "template1") -> str:
    """Create a database that the product's own role owns, and return its URL."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER shakerqueue STRATEGY FILE_COPY")
    with psycopg.connect(postgres.admin_url, autocommit=True) as conn:
        conn.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
    return postgres.url.rpartition("/")[0] + f"/{name}"


def free_port() -> int:
    return free_ports(1)[0]


def await_workers(client: httpx.Client, log: Path, began: int = 0) -> None:
    """Wait until all the API's workers are ready whose start is told after this place in its log."""
    eventually(lambda: log.read_bytes()[began:].count(b"Started worker-") == API_WORKERS, deadline_seconds=30)
    eventually(lambda: all(is_ready(client) for _ in range(20)), deadline_seconds=30)


def is_ready(client: httpx.Client) -> bool:
    """Whether every part is well that the API itself looks after; a consumer may be missing.

    It is one worker that answers; the next connection may lead to another one.
    """
    try:
        parts = client.get("/readyz", headers={"Connection": "close"}).json()["parts"]
    except httpx.TransportError:
        return False
    return {"ok"} == {state for part, state in parts.items() if part != "consumer"}


def sign_in(client: httpx.Client, email: str = "user@example.com") -> dict[str, str]:
    """The header that says who is asking."""
    answer = client.post("/login", json={"email": email, "password": DEMO_PASSWORD})
    assert 200 == answer.status_code, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}
