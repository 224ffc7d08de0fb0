"""`python -m bench.end_to_end`: from the guest's request to the board, at a fixed rate, and where the time goes.

Everything runs as in production. Orders come at a fixed rate (bench/open_loop.py), and one of the staff reads the
stream of events. All clocks are this machine's. An order counts as persisted at PostgreSQL's time of its commit, which
is taken just before the commit is flushed to the disk.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from operator import attrgetter
from typing import NamedTuple

import psycopg

from bench import part, production, servers
from bench.charts import Bar, Chart
from bench.event_readers import Arrival, following
from bench.figures import Spread, Times
from bench.open_loop import Sent, place_orders
from bench.people import GUEST, STAFF, sign_in
from bench.production import Production
from bench.section import Findings
from dev.servers import ServerError

WARM_UP_SECONDS = 3
COMMIT_TIMES = {"track_commit_timestamp": "on"}
STORED = """
SELECT
    e.order_id::text, extract(epoch FROM o.placed_at)::float,
    extract(epoch FROM max(o.placed_at) OVER (PARTITION BY e.xmin::text))::float,
    extract(epoch FROM e.created_at)::float, extract(epoch FROM pg_xact_commit_timestamp(e.xmin))::float
FROM order_events AS e
JOIN orders AS o ON o.id = e.order_id
WHERE e.type = 'placed'
"""
HEADINGS = ["from", "to", "p50 ms", "p99 ms", "longest ms"]


class Stored(NamedTuple):
    """What the database says of an order; times as of time.time()."""

    order_id: str
    placed_at: float  # the API has found it good
    gathered_at: float  # the last order of the same transaction was placed
    began_at: float  # that transaction
    persisted_at: float


class Way(NamedTuple):
    """One order's way; times as of time.time()."""

    sent_at: float  # when it was due
    answered_at: float
    placed_at: float
    gathered_at: float
    began_at: float
    persisted_at: float
    seen_at: float


NAMES = {
    "sent_at": "sent",
    "answered_at": "answered 202",
    "placed_at": "found good",
    "gathered_at": "its transaction's last order found good",
    "began_at": "transaction begins",
    "persisted_at": "persisted",
    "seen_at": "on the stream",
}
SPANS = [
    ("sent_at", "answered_at"),
    ("sent_at", "persisted_at"),
    ("sent_at", "seen_at"),
    ("answered_at", "seen_at"),
    # The parts of the way, one after the other.
    ("sent_at", "placed_at"),
    ("placed_at", "gathered_at"),
    ("gathered_at", "began_at"),
    ("began_at", "persisted_at"),
    ("persisted_at", "seen_at"),
]


class Span(NamedTuple):
    """What lies between two places of all ways."""

    begins: str
    ends: str
    times: Times


class Run(NamedTuple):
    """What came of one load."""

    sent: list[Sent]
    stored: list[Stored]
    seen: list[Arrival]


def parse_options(words: list[str]) -> argparse.Namespace:
    """Rate and seconds."""
    parser = argparse.ArgumentParser(prog="python -m bench.end_to_end", description=__doc__)
    parser.add_argument("--rate", type=int, default=500, help="orders a second (500)")
    parser.add_argument("--seconds", type=int, default=20, help="how long (20)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """Follow orders through the whole product."""
    with servers.running(COMMIT_TIMES) as started, production.running(started) as product:
        run = measure(product, started.database_url, options.rate, options.seconds)
        found = list(spans(ways(run)))
        return Findings(
            servers=started.told,
            headings=HEADINGS,
            rows=[[one.begins, one.ends, *(f"{value:.1f}" for value in one.times)] for one in found],
            remarks=[f"{options.rate} orders/s for {options.seconds} s; {transactions(run)}"],
            problems=problems(run),
            charts=[chart(found)],
        )


def measure(product: Production, database_url: str, rate: int, seconds: int) -> Run:
    """Warm up; then place the orders and follow each of them.

    Raises:
        ServerError: the stream does not begin, or ends.
    """
    api = product.api
    guests = [sign_in(api.url, GUEST)]
    print("Warming up …", flush=True)
    place_orders(api, guests, rate=rate, seconds=WARM_UP_SECONDS)
    with following(api.port, [sign_in(api.url, STAFF)]) as await_arrivals:
        print(f"{rate} orders/s for {seconds} s …", flush=True)
        sent = place_orders(api, guests, rate=rate, seconds=seconds)
        arrivals = await_arrivals(len(sent))
    ids = {order.id for order in sent}
    with psycopg.connect(database_url) as conn:
        stored = [Stored(*row) for row in conn.execute(STORED)]
    return Run(
        sent,
        [order for order in stored if order.order_id in ids],
        [event for event in arrivals if event.order_id in ids],
    )


def problems(run: Run) -> list[str]:
    """Why the figures must not count: each order is accepted, stored once, and on the stream once."""
    refused = Counter(order.status for order in run.sent if order.status != HTTPStatus.ACCEPTED)
    accepted = [order.id for order in run.sent if order.id]
    return [
        *(f"{count} answers were {status}" for status, count in sorted(refused.items())),
        *unlike(accepted, (order.order_id for order in run.stored), "in the log of events"),
        *unlike(accepted, (event.order_id for event in run.seen), "on the stream"),
    ]


def unlike(accepted: Iterable[str], found: Iterable[str], where: str) -> Iterator[str]:
    """What is missing, and what is there too often."""
    wanted, there = Counter(accepted), Counter(found)
    if missing := (wanted - there).total():
        yield f"{missing} accepted orders are not {where}"
    if doubled := (there - wanted).total():
        yield f"{doubled} orders are more than once {where}"


def ways(run: Run) -> list[Way]:
    """Those of the orders that got to their end.

    Raises:
        ServerError: hardly any did.
    """
    stored = {order.order_id: order for order in run.stored}
    seen = {event.order_id: event.arrived_at for event in run.seen}
    found = [
        Way(order.due_at, order.answered_at, *stored[order.id][1:], seen[order.id])
        for order in run.sent
        if order.id in stored and order.id in seen
    ]
    if len(found) < len(run.sent) / 2:
        raise ServerError(f"of {len(run.sent)} orders {len(found)} came through: {'; '.join(problems(run))}")
    return found


def spans(found: list[Way]) -> Iterator[Span]:
    """The times between the places of SPANS."""
    for begins, ends in SPANS:
        yield Span(NAMES[begins], NAMES[ends], Times.of([getattr(way, ends) - getattr(way, begins) for way in found]))


def chart(found: list[Span]) -> Chart:
    """The median, and what 99 of 100 orders take at most."""
    return Chart(
        name="end_to_end",
        title="From the request to the stream, and the parts of the way",
        groups="part of the way",
        axis="ms",
        bars=[
            Bar(f"{one.begins} → {one.ends}", name, Spread.of([time_ms]))
            for one in found
            for name, time_ms in (("p50", one.times.p50), ("p99", one.times.p99))
        ],
    )


def transactions(run: Run) -> str:
    """How many orders shared a transaction."""
    sizes = Counter(map(attrgetter("persisted_at"), run.stored))
    return f"{len(run.stored) / len(sizes):.0f} orders in a transaction on average, {max(sizes.values())} at most"


if __name__ == "__main__":
    sys.exit(part.run("end_to_end", parse_options, find))
