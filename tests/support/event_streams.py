"""Streams of events, read by tests on threads of their own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from shakerqueue import shutdown
from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced
from tests.support.orders import drink, order, principal_id

Headers = dict[str, str]
STREAM = {"Accept": "text/event-stream"}


@dataclass
class Message:
    """One server-sent event."""

    name: str
    id: int | None
    data: dict[str, Any]


class Reader:
    """Reads a stream on a thread of its own; `messages` grows."""

    def __init__(self, answer: TestResponse) -> None:
        self.messages: list[Message] = []
        self.beats = 0
        self.ended = threading.Event()
        self._answer = answer
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def names(self) -> list[str]:
        return [message.name for message in self.messages]

    def _read(self) -> None:
        for chunk in self._answer.response:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            for block in text.split("\n\n"):
                self._take(block)
        self.ended.set()

    def _take(self, block: str) -> None:
        if block == ":":
            self.beats += 1
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            place = int(fields["id"]) if "id" in fields else None
            self.messages.append(Message(fields["event"], place, json.loads(fields["data"])))


@contextmanager
def following(app: Flask, who: Headers, last_event_id: int | None = None) -> Iterator[Reader]:
    """A stream, read until the block ends; then the process is told to end, and told that it was not."""
    place = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    answer = app.test_client().get("/events", headers={**who, **STREAM, **place})
    assert (200, "text/event-stream; charset=utf-8") == (answer.status_code, answer.content_type)
    reader = Reader(answer)
    try:
        yield reader
    finally:
        shutdown.requested.set()
        assert reader.ended.wait(5)
        shutdown.requested.clear()
        answer.close()


def place(services: Services, email: str = "user@example.com") -> OrderPlaced:
    with services.database.transaction() as conn:
        placed = order(principal_id(conn, email), drink(conn))
        insert_orders(conn, [placed])
    return placed
