"""`python -m bench.request`: the CPU time of one `POST /orders` in one process, with the publish taken out.

By the short way of good orders and by Flask's, in turn: what is left is what the product does for an order, and what
Flask, werkzeug and webargs do for any request.
"""

import argparse
import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from flask import Flask

from bench import part, servers
from bench.figures import MICROSECONDS_PER_SECOND, Spread
from bench.people import GUEST
from bench.section import Findings
from bench.unpublished import create_app
from bench.wrk import ORDER
from shakerqueue.api.express import ExpressOrders
from shakerqueue.api.services import EXTENSION, Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

HEADINGS = ["way", "CPU µs a request (lowest to highest)"]


def parse_options(words: list[str]) -> argparse.Namespace:
    """Rounds and requests."""
    parser = argparse.ArgumentParser(prog="python -m bench.request", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often each way is measured (7)")
    parser.add_argument("--requests", type=int, default=2_000, help="in each round (2,000)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """Measure both ways into one application."""
    with servers.running() as started, application(started.settings) as app:
        express = app.wsgi_app
        assert isinstance(express, ExpressOrders)
        token = app.test_client().post("/login", json=GUEST).get_json()["token"]
        ways: dict[str, WSGIApplication] = {"the short way": express, "Flask's way": express.usual_way}
        found = measure(ways, token, options.rounds, options.requests)
        return Findings(
            servers=started.told,
            headings=HEADINGS,
            rows=[[name, Spread.of(each).told] for name, each in found.items()],
            remarks=[f"{options.rounds} rounds of {options.requests:,} requests each way, in turn, in one thread"],
        )


@contextmanager
def application(settings: dict[str, str]) -> Iterator[Flask]:
    """The application in this process, which takes every order for safe at once."""
    with patch.dict(os.environ, {**settings, "AMQP_URL": "off", "LOG_LEVEL": "WARNING"}):
        app = create_app()
    yield app
    services: Services = app.extensions[EXTENSION]
    services.stop()


def measure(ways: dict[str, "WSGIApplication"], token: str, rounds: int, requests: int) -> dict[str, list[float]]:
    """CPU microseconds a request, by way: one for each round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            taken = cpu_seconds(lambda: place(way, token), requests)  # noqa: B023 - called before the next one
            if number:  # the first is for warming up
                found[name].append(taken / requests * MICROSECONDS_PER_SECOND)
    return found


def cpu_seconds(action: Callable[[], None], times: int) -> float:
    """What this thread computes meanwhile."""
    began_at = time.thread_time()
    for _ in range(times):
        action()
    return time.thread_time() - began_at


def place(way: "WSGIApplication", token: str) -> None:
    """One order, answered 202."""
    statuses: list[str] = []

    def start_response(status: str, *_: object) -> Callable[[bytes], None]:
        statuses.append(status)
        return lambda _: None

    answer = way(environ(token), start_response)
    b"".join(answer)
    if close := getattr(answer, "close", None):
        close()
    assert statuses == ["202 ACCEPTED"]


def environ(token: str) -> "WSGIEnvironment":
    """A request as the server hands it on."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/orders",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(ORDER)),
        "HTTP_HOST": "localhost:8080",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(ORDER.encode()),
        "wsgi.errors": sys.stderr,
    }


if __name__ == "__main__":
    sys.exit(part.run("request", parse_options, find))
