"""Bars for tests: each with a database and queues that nobody else has, made before they are asked for."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import psycopg
from pika import BlockingConnection
from psycopg import sql

from dev.postgres import PrivatePostgres
from seed.loader import add_demo_users, hashed, load_recipes, missing_demo_users
from shakerqueue.messaging import connections
from shakerqueue.messaging.topology import Topology
from shakerqueue.migrations import migrate_up
from shakerqueue.passwords import PasswordHasher
from tests.support.bar import Bar, create_database

AHEAD = 3
TEMPLATE = "bar_template"


class Bars:
    """Lends bars. Databases are made ahead of demand, and what a test leaves is removed, while the next tests run."""

    def __init__(self, postgres: PrivatePostgres, template: str, amqp_url: str) -> None:
        self._postgres = postgres
        self._template = template
        self._amqp_url = amqp_url
        self._makers = ThreadPoolExecutor(1, "bar-maker")
        self._removers = ThreadPoolExecutor(1, "bar-remover")
        self._made: deque[Future[str]] = deque()
        self._removed: list[Future[None]] = []

    def __enter__(self) -> Self:
        for _ in range(AHEAD):
            self._make_another()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the rest.

        Raises:
            psycopg.Error, pika.exceptions.AMQPError: what kept a bar from being removed.
        """
        self._makers.shutdown()
        self._removers.shutdown()
        for removed in self._removed:
            removed.result()

    @contextmanager
    def lend(self, folder: Path) -> Iterator[Bar]:
        """A bar with a copy of the template database and a prefix of its own; both are gone afterwards."""
        self._make_another()
        bar = Bar(self._made.popleft().result(), self._amqp_url, prefix=f"test-{uuid4().hex[:12]}", folder=folder)
        yield bar
        self._removed.append(self._removers.submit(self._remove, bar))

    def _make_another(self) -> None:
        self._made.append(self._makers.submit(self._make_database))

    def _make_database(self) -> str:
        return create_database(self._postgres, f"bar_{uuid4().hex}", self._template)

    def _remove(self, bar: Bar) -> None:
        name = bar.database_url.rpartition("/")[2]
        with psycopg.connect(self._postgres.admin_url, autocommit=True) as conn:
            conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        delete_queues(bar.amqp_url, bar.topology)


def create_template(postgres: PrivatePostgres) -> str:
    """Make a migrated and seeded database that bars are copied from; its name."""
    url = create_database(postgres, TEMPLATE)
    migrate_up(url)
    hasher = PasswordHasher("the pepper of the tests, 32 bytes and more", cost=4)
    with psycopg.connect(url) as conn:
        load_recipes(conn)
        add_demo_users(conn, hashed(missing_demo_users(conn), hasher.hash))
    return TEMPLATE


def delete_queues(amqp_url: str, topology: Topology) -> None:
    """Delete the queues and exchanges of a topology, as far as they were declared."""
    with BlockingConnection(connections.parameters(amqp_url, "tests", 60)) as connection:
        channel = connection.channel()
        for queue in topology.queues:
            channel.queue_delete(queue)
        channel.exchange_delete(topology.orders_exchange)
        channel.exchange_delete(topology.dead_exchange)
