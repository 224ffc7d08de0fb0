"""Orders at a fixed rate, whatever becomes of those before.

A client that waits for an answer before it sends the next request sends less while the server is slow, and so measures
least when it matters most (coordinated omission). Here each order is due at a time of its own, and durations count from
then, also where every connection was still busy.
"""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection
from typing import NamedTuple

from bench.wrk import ORDER
from dev.run import Api

CONNECTIONS = 64  # kept open, each on a thread; more than are busy at once while the server keeps up
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 5.0  # above the API's own deadline of 2.8 s


class Sent(NamedTuple):
    """One order and what was answered; times as of time.time()."""

    due_at: float
    answered_at: float
    status: int
    id: str  # empty where it was not accepted
    guest: int  # whose token it was


def place_orders(api: Api, tokens: Sequence[str], *, rate: float, seconds: float) -> list[Sent]:
    """Place so many orders a second for so long, one guest after the other; in the order in which they were due.

    Raises:
        OSError, HTTPException: a connection failed.
    """
    begin_at = time.time() + CONNECT_SECONDS
    numbers = iter(range(int(rate * seconds)))  # whichever connection is free takes the next one

    def place_some(_: int) -> list[Sent]:
        connection = HTTPConnection(api.host, api.port, timeout=ANSWER_SECONDS)
        connection.connect()
        try:
            return [_place(connection, tokens, number % len(tokens), begin_at + number / rate) for number in numbers]
        finally:
            connection.close()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        return sorted(sent for some in threads.map(place_some, range(CONNECTIONS)) for sent in some)


def _place(connection: HTTPConnection, tokens: Sequence[str], guest: int, due_at: float) -> Sent:
    time.sleep(max(0.0, due_at - time.time()))
    headers = {"Authorization": f"Bearer {tokens[guest]}", "Content-Type": "application/json"}
    connection.request("POST", "/orders", ORDER, headers)
    answer = connection.getresponse()
    body = answer.read()
    answered_at = time.time()
    accepted = answer.status == HTTPStatus.ACCEPTED
    return Sent(due_at, answered_at, answer.status, json.loads(body)["id"] if accepted else "", guest)
