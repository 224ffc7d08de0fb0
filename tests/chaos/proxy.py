"""A TCP proxy that misbehaves on demand: between a process and its broker or database, on the loopback interface.

It runs on a thread of its own. Every switch may be used at run time from any thread, and what it did to the traffic
is counted: these counts are the witnesses that a fault took effect.
"""

import asyncio
import socket
import struct
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Self

from dev.ports import LOOPBACK

CHUNK_BYTES = 64 * 1024
START_SECONDS = 5.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of no time at all: closing sends RST and not FIN


class Way(StrEnum):
    """The two directions of a connection."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


@dataclass(frozen=True, slots=True)
class Trap:
    """From the moment this pattern passes to the server, that connection goes deaf in the direction `drop`.

    Dropping TO_SERVER swallows the pattern itself; dropping TO_CLIENT lets it through and swallows the answer.
    """

    pattern: bytes
    drop: Way


@dataclass(slots=True)
class Passed:
    """What the proxy has done so far."""

    connections: int = 0
    turned_away: int = 0  # while it was shut, or because the server behind it was not there
    resets: int = 0
    traps_sprung: int = 0


class Proxy:
    """One listening port in front of one server. A context manager."""

    def __init__(self, target_port: Callable[[], int]) -> None:
        """`target_port` is asked for each connection: a restarted server may have another one."""
        self.target_port = target_port
        self.port = 0
        self.passed = Passed()
        self.dropped_bytes: Counter[Way] = Counter()
        self.latency_seconds = 0.0
        self.slice_bytes: int | None = None
        self.trap: Trap | None = None
        self._dropping: frozenset[Way] = frozenset()
        self._shut = False
        self._links: set[_Link] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="proxy", daemon=True)
        self._listening = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(START_SECONDS), "the proxy did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @property
    def open_connections(self) -> int:
        """How many connections go through it now."""
        return len(self._links)

    def set_trap(self, pattern: bytes, *, drop: Way) -> None:
        """Wait for a pattern; the first connection on which it passes goes deaf, and the trap is spent."""
        self.trap = Trap(pattern, drop)

    def blackhole(self, *ways: Way) -> None:
        """Drop all bytes of these directions in silence, on present and future connections."""
        self._dropping = frozenset(ways)

    def shut(self) -> None:
        """Reset all connections and every new one, as if nobody listened."""
        self._shut = True
        self.reset()

    def heal(self) -> None:
        """Behave from now on. A connection that lost bytes stays deaf: its two ends disagree for good."""
        self._dropping = frozenset()
        self._shut = False
        self.trap = None
        self.latency_seconds = 0.0
        self.slice_bytes = None

    def reset(self) -> int:
        """End all connections at once with RST, on both sides; how many those were."""
        return self._end_all(_Link.reset)

    def close(self) -> int:
        """End all connections in order, on both sides; how many those were."""
        return self._end_all(_Link.close)

    def _end_all(self, end: "Callable[[_Link], None]") -> int:
        async def on_loop() -> int:
            links = list(self._links)
            for link in links:
                end(link)
            return len(links)

        ended = asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(START_SECONDS)
        self.passed.resets += ended
        return ended

    def drops(self, way: Way) -> bool:
        """Whether this direction is blackholed as a whole."""
        return way in self._dropping

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        server = await asyncio.start_server(self._accept, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._stopping.wait()
        server.close()
        for link in list(self._links):
            link.reset()
        while self._links:
            await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.passed.connections += 1
        if self._shut:
            self._turn_away(writer)
            return
        try:
            upstream = await asyncio.open_connection(LOOPBACK, self.target_port())
        except OSError:
            self._turn_away(writer)
            return
        await self._serve_link(_Link(self, (reader, writer), upstream))

    async def _serve_link(self, link: "_Link") -> None:
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    def _turn_away(self, writer: asyncio.StreamWriter) -> None:
        self.passed.turned_away += 1
        _abort(writer)


Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Link:
    """One connection through the proxy. All of it runs on the proxy's thread."""

    def __init__(self, proxy: Proxy, client: Stream, server: Stream) -> None:
        self._proxy = proxy
        self._client_reader, self._client = client
        self._server_reader, self._server = server
        self._deaf: set[Way] = set()
        self._tail = b""  # of what went to the server: a pattern may come in two pieces

    async def run(self) -> None:
        """Pass bytes both ways until either side ends; then end the other one alike."""
        ways = [
            asyncio.ensure_future(self._pass(self._client_reader, self._server, Way.TO_SERVER)),
            asyncio.ensure_future(self._pass(self._server_reader, self._client, Way.TO_CLIENT)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        ended = await asyncio.gather(*ways, return_exceptions=True)
        self.reset() if any(isinstance(one, OSError) for one in ended) else self.close()
        for writer in (self._client, self._server):
            await _gone(writer.wait_closed())

    def reset(self) -> None:
        _abort(self._client)
        _abort(self._server)

    def close(self) -> None:
        self._client.close()
        self._server.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._forward(writer, self._kept(chunk, way))

    async def _forward(self, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        if self._proxy.latency_seconds:
            await asyncio.sleep(self._proxy.latency_seconds)
        size = self._proxy.slice_bytes or CHUNK_BYTES
        for start in range(0, len(chunk), size):
            writer.write(chunk[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)

    def _kept(self, chunk: bytes, way: Way) -> bytes:
        """What is to be passed on of these bytes."""
        if way is Way.TO_SERVER and self._proxy.trap is not None and way not in self._deaf:
            kept = self._before_trap(chunk, self._proxy.trap)
        else:
            kept = b"" if way in self._deaf or self._proxy.drops(way) else chunk
        self._proxy.dropped_bytes[way] += len(chunk) - len(kept)
        return kept

    def _before_trap(self, chunk: bytes, trap: Trap) -> bytes:
        known = len(self._tail)
        seen = self._tail + chunk
        found = seen.find(trap.pattern)
        self._tail = seen[len(seen) - len(trap.pattern) + 1 :] if len(seen) >= len(trap.pattern) else seen
        if found < 0:
            return chunk
        self._proxy.trap = None
        self._proxy.passed.traps_sprung += 1
        self._deaf.add(trap.drop)
        return chunk[: max(0, found - known)] if trap.drop is Way.TO_SERVER else chunk


def _abort(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it is closed already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


async def _gone(closed: Awaitable[None]) -> None:
    with suppress(OSError):
        await closed
