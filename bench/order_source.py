"""Orders at a fixed rate, whatever the answers take: a slow answer is seen, and does not slow down what follows it.

It runs in a process of its own, so that nobody else's work delays its clock.
"""

import asyncio
import re
import time
from typing import NamedTuple

import msgspec

from bench.people import Person
from dev.ports import LOOPBACK

CONNECTIONS = 32
BODY = b'{"recipe":"Margarita"}'
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
ACCEPTED = b"HTTP/1.1 202"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Placed(NamedTuple):
    """One order. Times are seconds since 1970; `due_at` is when it was to be sent."""

    order_id: str | None  # None: it was not accepted
    guest_id: str
    due_at: float
    answered_at: float


class _Answer(msgspec.Struct):
    id: str


def place_orders(port: int, guests: list[Person], rate: float, seconds: float) -> list[Placed]:
    """Let one guest after the other place an order of one drink, so many a second."""
    return asyncio.run(_place_all(port, guests, rate, int(rate * seconds)))


async def _place_all(port: int, guests: list[Person], rate: float, count: int) -> list[Placed]:
    connections: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        connections.put_nowait(await asyncio.open_connection(LOOPBACK, port))
    began = time.time()
    orders = []
    for number in range(count):
        due_at = began + number / rate
        await asyncio.sleep(due_at - time.time())
        orders.append(asyncio.create_task(_place(connections, guests[number % len(guests)], due_at)))
    return list(await asyncio.gather(*orders))


async def _place(connections: asyncio.Queue[Connection], guest: Person, due_at: float) -> Placed:
    reader, writer = await connections.get()
    writer.write(_request(guest.token))
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    answered_at = time.time()
    connections.put_nowait((reader, writer))
    order_id = msgspec.json.decode(body, type=_Answer).id if head.startswith(ACCEPTED) else None
    return Placed(order_id, guest.id, due_at, answered_at)


def _request(token: str) -> bytes:
    lines = [
        "POST /orders HTTP/1.1",
        f"Host: {LOOPBACK}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {len(BODY)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + BODY
