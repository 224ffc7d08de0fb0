"""Where webhooks of tests go: a real server on this machine that answers as it is told."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, TypeAlias

LOOPBACK = "127.0.0.1"
HANG_UP = b""


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All that a header says, one value a line."""
        return [value for known, value in self.headers if known == name]


Answer: TypeAlias = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def http_answer(status: int, *headers: str, body: bytes = b"") -> bytes:
    """An answer's bytes; each header is a line."""
    lines = [f"HTTP/1.1 {status} As told", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


TAKEN = http_answer(200)


async def hang(_writer: asyncio.StreamWriter) -> None:
    """Never answer."""
    await asyncio.Event().wait()


class Receiver:
    """Counts its connections, keeps what it received, and gives the same answer to all.

    `broken_off` counts the answers that the client did not take to their end.
    """

    def __init__(self, answer: Answer = TAKEN, tls: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._tls = tls
        self._conversations: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.broken_off = 0
        self.received: list[Received] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._server.wait_closed()

    def url(self, path: str = "/hook", *, host: str = LOOPBACK, scheme: str = "http") -> str:
        """Where it listens, by any name."""
        return f"{scheme}://{host}:{self.port}{path}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError):
                while True:
                    self.received.append(await _read_request(reader))
                    await self._give_answer(writer)
        except ConnectionError:
            self.broken_off += 1
        finally:
            writer.transport.abort()

    async def _give_answer(self, writer: asyncio.StreamWriter) -> None:
        if callable(self._answer):
            await self._answer(writer)
        elif self._answer == HANG_UP:
            writer.transport.abort()
        else:
            writer.write(self._answer)
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    length = int(dict(headers).get("content-length", 0))
    return Received(first.split(" ")[1], headers, await reader.readexactly(length))
