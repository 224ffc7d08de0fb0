"""The dead queue, looked at and worked off: what lies there was accepted once, and waits for somebody to decide.

A look takes every letter, and puts it back. So two who look at once may see one half each, and a letter that somebody
else holds at that moment is not found.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest
from time import sleep

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError

from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.messaging import connections
from shakerqueue.messaging.letters import Letter, letter_of, publish_anew
from shakerqueue.messaging.topology import Topology

PUT_BACK_SECONDS = 1.0
POLL_SECONDS = 0.005
HEARTBEAT_SECONDS = 4  # a person waits: a broker that hangs is noticed soon


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters are meant: those that fit everything that is given here; without anything all."""

    ids: frozenset[str] | None = None
    reason: str | None = None  # a part of it, whatever its case
    failed_after: datetime | None = None
    failed_before: datetime | None = None

    def fits(self, letter: Letter) -> bool:
        return (
            (self.ids is None or letter.id in self.ids)
            and (self.reason is None or self.reason.lower() in letter.reason.lower())
            and (self.failed_after is None or letter.failed_at >= self.failed_after)
            and (self.failed_before is None or letter.failed_at < self.failed_before)
        )


class DeadLetters:
    """The dead letters of one bar. Each call opens a connection of its own; all raise Unavailable without a broker."""

    def __init__(self, amqp_url: str, topology: Topology) -> None:
        self._hosts = connections.parameters(amqp_url, "shakerqueue-dead-letters", HEARTBEAT_SECONDS)
        self._topology = topology

    def find(self, wanted: LetterFilter, limit: int | None = None) -> list[Letter]:
        """The letters that fit, the oldest first; all stay where they are."""
        with self._open() as (_, channel):
            return self._walk(channel, wanted, limit)

    def retry(self, wanted: LetterFilter, limit: int | None = None, per_second: float | None = None) -> list[Letter]:
        """Send the letters that fit, at most so many and so many a second, to the consumers again; return them.

        Each is confirmed in the orders queue before it leaves this one: at worst it is in both, and its orders are
        known by their ids when they come a second time.
        """
        with self._open() as (connection, channel):
            anew = connection.channel()
            anew.confirm_delivery()

            def retry(letter: Letter) -> None:
                publish_anew(anew, self._topology, letter)
                if per_second:
                    connection.sleep(1 / per_second)  # the heart beats on meanwhile

            return self._walk(channel, wanted, limit, retry)

    def remove(self, wanted: LetterFilter, dispose: Callable[[Letter], None], limit: int | None = None) -> list[Letter]:
        """Remove the letters that fit, at most so many, each after `dispose` has dealt with it; return them."""
        with self._open() as (_, channel):
            return self._walk(channel, wanted, limit, dispose)

    def _walk(
        self,
        channel: BlockingChannel,
        wanted: LetterFilter,
        limit: int | None,
        handle: Callable[[Letter], None] | None = None,
    ) -> list[Letter]:
        """The letters that fit, of all that are there now, the oldest first; who handles one takes it away.

        All are looked at, because what was put back has lost its place in the queue.
        """
        count = self._count(channel)
        fitting = ((tag, letter) for tag, letter in self._take(channel, count) if wanted.fits(letter))
        found = nsmallest(count if limit is None else limit, fitting, key=lambda taken: taken[1].failed_at)
        if handle is not None:
            for tag, letter in found:
                handle(letter)
                channel.basic_ack(tag)
            count -= len(found)
        self._put_back(channel, count)
        return [letter for _, letter in found]

    def _take(self, channel: BlockingChannel, count: int) -> Iterator[tuple[int, Letter]]:
        for _ in range(count):
            method, properties, body = channel.basic_get(self._topology.dead_queue)
            if method is None or properties is None or body is None:
                return
            yield method.delivery_tag, letter_of(properties, body)

    def _put_back(self, channel: BlockingChannel, count: int) -> None:
        """Let go of what was looked at, and wait until the next look would find it."""
        channel.basic_nack(0, multiple=True, requeue=True)
        deadline = Deadline.after(PUT_BACK_SECONDS)
        while self._count(channel) < count and not deadline.passed:
            sleep(POLL_SECONDS)

    def _count(self, channel: BlockingChannel) -> int:
        return int(channel.queue_declare(self._topology.dead_queue, passive=True).method.message_count)

    @contextmanager
    def _open(self) -> Iterator[tuple[BlockingConnection, BlockingChannel]]:
        try:
            connection, channel = connections.open_declared(self._hosts, self._topology)
            with connection:
                yield connection, channel
        except (AMQPError, OSError) as error:
            raise Unavailable("broker", repr(error)) from error
