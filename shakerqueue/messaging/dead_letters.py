"""The dead queue, looked at and worked off: what lies there was accepted once, and waits for somebody to decide.

A look takes every letter, and puts it back. So two who look at once may see one half each, and a letter that somebody
else holds at that moment is not found.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import sleep
from typing import NamedTuple

from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.exceptions import AMQPError

from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.messaging import connections
from shakerqueue.messaging.letters import Letter, letter_of, publish_anew
from shakerqueue.messaging.topology import Topology

PUT_BACK_SECONDS = 1.0
POLL_SECONDS = 0.005
LOOKING_SHARE = 0.6  # of the time there is; the rest is for working letters off
FOREVER = Deadline(float("inf"))
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


class Walk(NamedTuple):
    """The letters that were found, or dealt with; incomplete where there was no time for all."""

    letters: list[Letter]
    complete: bool


class DeadLetters:
    """The dead letters of one bar. Each call opens a connection of its own; all raise Unavailable without a broker."""

    def __init__(self, amqp_url: str, topology: Topology) -> None:
        self._hosts = connections.parameters(amqp_url, "shakerqueue-dead-letters", HEARTBEAT_SECONDS)
        self._topology = topology

    def find(self, wanted: LetterFilter, limit: int | None = None, deadline: Deadline = FOREVER) -> Walk:
        """The letters that fit, the oldest first; all stay where they are."""
        with self._open() as (_, channel):
            return self._walk(channel, wanted, limit, deadline)

    def retry(
        self,
        wanted: LetterFilter,
        limit: int | None = None,
        deadline: Deadline = FOREVER,
        per_second: float | None = None,
    ) -> Walk:
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

            return self._walk(channel, wanted, limit, deadline, retry)

    def remove(
        self,
        wanted: LetterFilter,
        dispose: Callable[[Letter], None],
        limit: int | None = None,
        deadline: Deadline = FOREVER,
    ) -> Walk:
        """Remove the letters that fit, at most so many, each after `dispose` has dealt with it; return them."""
        with self._open() as (_, channel):
            return self._walk(channel, wanted, limit, deadline, dispose)

    def _walk(
        self,
        channel: BlockingChannel,
        wanted: LetterFilter,
        limit: int | None,
        deadline: Deadline,
        handle: Callable[[Letter], None] | None = None,
    ) -> Walk:
        """The letters that fit, of all that are there now, the oldest first; who handles one takes it away.

        All are looked at, because what was put back has lost its place in the queue.
        """
        count = self._count(channel)
        until = deadline.sooner(LOOKING_SHARE * deadline.remaining_seconds())
        fitting = [(tag, letter) for tag, letter in self._take(channel, count, until) if wanted.fits(letter)]
        chosen = sorted(fitting, key=lambda taken: taken[1].failed_at)[:limit]
        complete = not until.passed
        if handle is not None:
            for place, (tag, letter) in enumerate(chosen):
                if deadline.passed:
                    chosen, complete = chosen[:place], False
                    break
                handle(letter)
                channel.basic_ack(tag)
            count -= len(chosen)
        self._put_back(channel, count)
        return Walk([letter for _, letter in chosen], complete)

    def _take(self, channel: BlockingChannel, count: int, deadline: Deadline) -> Iterator[tuple[int, Letter]]:
        for _ in range(count):
            method, properties, body = channel.basic_get(self._topology.dead_queue)
            if method is None or properties is None or body is None:
                return
            yield method.delivery_tag, letter_of(properties, body)
            if deadline.passed:
                return

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
