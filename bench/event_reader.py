"""One of the staff who reads the stream of events, and when each event came."""

import json
import threading
import time
from contextlib import suppress
from typing import NamedTuple

import httpx

from dev.servers import ServerError, wait_until

READY_SECONDS = 10.0
SILENCE_SECONDS = 30.0  # twice the stream's heartbeat
READY, DATA = "event: ready", "data: "


class Seen(NamedTuple):
    """An event about an order, and when it came, as of time.time()."""

    order_id: str
    type: str
    at: float


class EventReader:
    """Reads on a thread of its own until the stream ends. What came is decoded afterwards: reading costs little."""

    def __init__(self, url: str, token: str) -> None:
        """Return when the stream is ready.

        Raises:
            ServerError: it does not become ready.
        """
        self._url = f"{url}/events"
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        self._ready = threading.Event()
        self._came: list[tuple[float, str]] = []
        threading.Thread(target=self._read, name="event reader", daemon=True).start()
        if not self._ready.wait(READY_SECONDS):
            raise ServerError(f"{self._url} was not ready within {READY_SECONDS:.0f} s")

    def _read(self) -> None:
        timeout = httpx.Timeout(READY_SECONDS, read=SILENCE_SECONDS)
        with (
            suppress(httpx.TransportError),
            httpx.stream("GET", self._url, headers=self._headers, timeout=timeout) as answer,
        ):
            for line in answer.iter_lines():
                if line == READY:
                    self._ready.set()
                elif line.startswith(DATA):
                    self._came.append((time.time(), line))

    def seen(self) -> list[Seen]:
        """Everything about orders that came so far, in its order."""
        decoded = ((at, json.loads(line.removeprefix(DATA))) for at, line in list(self._came))
        return [Seen(data["order_id"], data["type"], at) for at, data in decoded if "order_id" in data]

    def await_events(self, count: int, deadline_seconds: float) -> None:
        """Return when so many have come, or when that takes too long."""
        wait_until(lambda: len(self._came) > count, deadline_seconds)  # that it is ready is the first
