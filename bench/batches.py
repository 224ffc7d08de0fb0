"""`python -m bench.batches`: `POST /orders/batch` of 100 orders with keys, as a POS sends them that was offline.

No consumer runs; after each round the queue is emptied, and must hold every order that was answered, once.
"""

import argparse
import sys
from collections.abc import Iterator
from itertools import product
from statistics import median
from typing import NamedTuple

from bench import part, wrk
from bench.contenders import Contender, ours
from bench.figures import Spread
from bench.intake import queue_problems
from bench.people import STAFF
from bench.section import Findings
from bench.stack import Stack, running
from dev.debian import ensure_program

ORDERS = 100  # in each batch
CONNECTIONS = [1, 4, 16]
WARM_UP_SECONDS = 2
HEADINGS = ["connections", "accepted/s (lowest to highest)", "p50 ms of a batch", "p99 ms"]


class Measured(NamedTuple):
    """A round: orders, not batches, per second."""

    connections: int
    orders_per_second: float
    p50_ms: float
    p99_ms: float
    problems: list[str]


def parse_options(words: list[str]) -> argparse.Namespace:
    """Rounds and seconds."""
    parser = argparse.ArgumentParser(prog="python -m bench.batches", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is measured (3)")
    parser.add_argument("--seconds", type=int, default=5, help="how long a round lasts (5)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """Measure our API alone; nobody else takes batches."""
    ensure_program("wrk")
    with running([ours]) as stack:
        rounds = list(measure(stack, options.rounds, options.seconds))
        return Findings(
            servers=stack.servers.told,
            headings=HEADINGS,
            rows=list(rows(rounds)),
            remarks=[f"batches of {ORDERS} one-drink orders, {options.rounds} rounds of {options.seconds} s each"],
            problems=[problem for one in rounds for problem in one.problems],
        )


def measure(stack: Stack, rounds: int, seconds: int) -> Iterator[Measured]:
    """Each number of connections in turn."""
    [api] = stack.contenders
    token = stack.token(STAFF)
    place(api, token, max(CONNECTIONS), WARM_UP_SECONDS)
    for number, connections in product(range(1, rounds + 1), CONNECTIONS):
        stack.queues.drain(api.topology.orders_queue, api.ids)  # what came after the last look
        load = place(api, token, connections, seconds)
        drained = stack.queues.drain(api.topology.orders_queue, api.ids)
        problems = load.problems + queue_problems(load.accepted * ORDERS, connections * ORDERS, drained)
        found = Measured(
            connections,
            load.accepted_per_second * ORDERS,
            load.p50_ms,
            load.p99_ms,
            problems,
        )
        print(f"  round {number}  {connections:2} connections  {found.orders_per_second:8,.0f} orders/s", flush=True)
        yield found


def place(api: Contender, token: str, connections: int, seconds: int) -> wrk.Load:
    """Send batches for that long."""
    return wrk.place_orders(f"{api.orders_url}/batch", token, connections=connections, seconds=seconds, batch=ORDERS)


def rows(rounds: list[Measured]) -> Iterator[list[str]]:
    """A line for each number of connections, of the rounds that count."""
    for connections in CONNECTIONS:
        group = [one for one in rounds if one.connections == connections and not one.problems]
        if group:
            rate = Spread.of([one.orders_per_second for one in group])
            times = (median(one.p50_ms for one in group), median(one.p99_ms for one in group))
            yield [str(connections), rate.told, *(f"{time:.1f}" for time in times)]


if __name__ == "__main__":
    sys.exit(part.run("batches", parse_options, find))
