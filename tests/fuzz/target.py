"""The bar that is asked: where its API is, and what lies behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from shakerqueue.messaging import connections
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter
from shakerqueue.messaging.letters import publish_dead
from shakerqueue.messaging.topology import Topology
from tests.support.letters import dead_letter

UNREADABLE = b"no order"


@dataclass(frozen=True, slots=True)
class Target:
    """A bar whose API and consumer run."""

    url: str  # without a slash at the end
    database_url: str
    amqp_url: str
    topology: Topology

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A transaction of its own."""
        with psycopg.connect(self.database_url) as conn:
            yield conn

    def column(self, statement: str, **values: Any) -> list[Any]:
        """The first column of what a query finds."""
        with self.database() as conn:
            return [row[0] for row in conn.execute(statement.encode(), values)]

    def dead_letter_id(self) -> str:
        """The id of a letter in the dead queue; one is put there where there is none."""
        letters = DeadLetters(self.amqp_url, self.topology).find(LetterFilter(), 1).letters
        return letters[0].id if letters else self._put_dead()

    def _put_dead(self) -> str:
        letter = dead_letter(UNREADABLE)
        connection, channel = connections.open_declared(
            connections.parameters(self.amqp_url, "fuzz", heartbeat_seconds=60), self.topology
        )
        with connection:
            channel.confirm_delivery()
            publish_dead(channel, self.topology, letter)
        return letter.id
