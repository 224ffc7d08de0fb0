"""Reads streams of events in a process of its own, and notes when each event arrived."""

import multiprocessing
import re
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.connection import Connection
from selectors import EVENT_READ, DefaultSelector
from typing import NamedTuple

import msgspec

from dev.ports import LOOPBACK
from dev.servers import ServerError

OPEN_SECONDS = 30.0
LATE_SECONDS = 30.0  # how long events are waited for that are missing
AFTERWARDS_SECONDS = 0.5  # in which an event that is told twice would come
RECEIVED_BYTES = 1 << 16
MESSAGE = re.compile(rb"event: placed\ndata: ([^\n]*)\n\n")  # within one chunk of the answer
READY = b"event: ready"

_spawn = multiprocessing.get_context("spawn")


class Arrival(NamedTuple):
    """An event on one stream. Times are seconds since 1970; `at` is when the transaction began that stored it."""

    reader: int
    order_id: str
    at: float
    arrived_at: float


class _Event(msgspec.Struct):
    order_id: str
    at: datetime


class Stream:
    """One reader's connection."""

    def __init__(self, number: int, port: int, token: str) -> None:
        self.number = number
        self.is_ready = False
        self.is_over = False
        self._rest = b""
        self._socket = socket.create_connection((LOOPBACK, port), OPEN_SECONDS)
        lines = ["GET /events HTTP/1.1", f"Host: {LOOPBACK}", f"Authorization: Bearer {token}"]
        self._socket.sendall("\r\n".join([*lines, "Accept: text/event-stream", "", ""]).encode())

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    def read(self) -> list[bytes]:
        """The events that have come, as JSON."""
        received = self._socket.recv(RECEIVED_BYTES)
        self.is_over = not received
        self._rest += received
        self.is_ready = self.is_ready or READY in self._rest
        found, end = [], 0
        for message in MESSAGE.finditer(self._rest):
            found.append(message[1])
            end = message.end()
        self._rest = self._rest[end:]
        return found


class Readers:
    """All streams, and what arrived on them."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self._selector = DefaultSelector()
        self.streams = [Stream(number, port, token) for number, token in enumerate(tokens)]
        for stream in self.streams:
            self._selector.register(stream, EVENT_READ, stream)
        self._arrived: list[tuple[int, bytes, float]] = []

    def read(self, seconds: float) -> None:
        """Take in what comes next."""
        for key, _ in self._selector.select(seconds):
            stream: Stream = key.data
            found, now = stream.read(), time.time()
            self._arrived += [(stream.number, event, now) for event in found]
            if stream.is_over:
                self._selector.unregister(stream)

    @property
    def count(self) -> int:
        """How many events arrived."""
        return len(self._arrived)

    def arrivals(self) -> list[Arrival]:
        """What arrived; made of the JSON only now, for nobody is to wait for it."""
        events = [(number, msgspec.json.decode(json, type=_Event), when) for number, json, when in self._arrived]
        return [Arrival(number, event.order_id, event.at.timestamp(), when) for number, event, when in events]


@contextmanager
def following(port: int, tokens: list[str]) -> Iterator[Callable[[int], list[Arrival]]]:
    """A stream for each token, all of them ready; what is yielded waits for so many events and gives what arrived.

    Raises:
        ServerError: streams were refused, or the server ended some.
    """
    here, there = _spawn.Pipe()
    process = _spawn.Process(target=_follow, args=(there, port, tokens))

    def arrivals(count: int) -> list[Arrival]:
        here.send(count)
        found, ended = here.recv()
        if ended:
            raise ServerError(f"{ended} streams were ended")
        return list(found)

    process.start()
    there.close()
    try:
        if refused := len(tokens) - here.recv():
            raise ServerError(f"{refused} streams were refused")
        yield arrivals
    finally:
        process.kill()
        process.join()


def _follow(connection: Connection, port: int, tokens: list[str]) -> None:
    """A process's whole work.

    It sends how many streams it got, when each of these is ready; it is sent how many events are to arrive, and sends
    back the `Arrival`s, and how many streams the server has ended.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    readers = Readers(port, tokens)
    give_up_at = time.monotonic() + OPEN_SECONDS
    while not all(stream.is_ready or stream.is_over for stream in readers.streams) and time.monotonic() < give_up_at:
        readers.read(0.1)
    connection.send(sum(stream.is_ready for stream in readers.streams))
    while not connection.poll():
        readers.read(0.1)
    expected: int = connection.recv()
    give_up_at = time.monotonic() + LATE_SECONDS
    while readers.count < expected and time.monotonic() < give_up_at:
        readers.read(0.1)
    end_at = time.monotonic() + AFTERWARDS_SECONDS
    while time.monotonic() < end_at:
        readers.read(0.1)
    connection.send((readers.arrivals(), sum(stream.is_over for stream in readers.streams)))
