"""`python -m bench.growth`: what a bar's history costs those who work in it.

Two databases of one server, one with the orders of two nights, the other with those of years, and the same small rest
of open drinks in both. An API works with each. Their requests take turns, one by one, so that whatever else the machine
does meets both alike; a p99 is that of a round, and the table shows the median of the rounds. Then backlogs are worked
off beside the stored orders, each right after a checkpoint, when PostgreSQL writes most.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier

from bench import history, part
from bench.contenders import ours
from bench.drain import work_off
from bench.figures import Times
from bench.section import Findings
from bench.servers import Servers, running
from bench.staff_requests import REQUESTS, Caller, taken_seconds
from dev.ports import free_ports
from dev.postgres import PrivatePostgres
from dev.run import Parts

SMALL = 1_000
POSTGRES = {"shared_buffers": "1GB", "max_wal_size": "4GB"}  # as docs/operations.md advises a bar with years of orders
OUTGROWN = 1.2  # what was drained before stays, unless it makes a bar so much larger
# The drinks that were drained are not to be open in the next round.
CLOSE_SINCE = """
WITH fresh AS (
    SELECT order_id FROM order_events WHERE id > %s
),
closed AS (
    UPDATE order_items SET status = 'complete', completed_at = now(), served_at = now()
    FROM fresh WHERE order_items.order_id = fresh.order_id
)
UPDATE orders SET pending_count = 0, complete_count = pending_count FROM fresh WHERE orders.id = fresh.order_id
"""
LAST_EVENT = "SELECT max(id) FROM order_events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A bar that has stored so many past orders."""

    orders: int
    servers: Servers

    def fill(self) -> history.Counts:
        """Store them; what is there afterwards."""
        with self.connection() as conn:
            history.fill(conn, self.orders)
            found = history.counts(conn)
        print(f"  stored: {found.told}", flush=True)
        return found

    def connection(self) -> psycopg.Connection:
        """To its database, committing by itself."""
        return psycopg.connect(self.servers.database_url, autocommit=True)


class Figures(NamedTuple):
    """What the requests of each round took, by what was asked; and the orders per second of each drain."""

    requests: dict[str, list[Times]]
    drains: list[float]


def parse_options(words: list[str]) -> argparse.Namespace:
    """How large, and how often."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="stored at the larger size (1,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="of requests (5)")
    parser.add_argument("--requests", type=int, default=300, help="of each kind in a round (300)")
    parser.add_argument("--drains", type=int, default=3, help="backlogs that are worked off at each size (3)")
    parser.add_argument("--backlog", type=int, default=50_000, help="orders in each of them (50,000)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """Measure at both sizes, whatever comes of it."""
    with running(POSTGRES) as servers:
        sites = [Site(orders=SMALL, servers=servers), Site(orders=options.orders, servers=second(servers))]
        stored = [site.fill() for site in sites]
        return Findings(
            servers=servers.told,
            headings=["", *(f"{site.orders:,} orders" for site in sites), "times as slow"],
            rows=list(rows(measure(sites, options))),
            remarks=remarks(stored, options),
        )


def remarks(stored: list[history.Counts], options: argparse.Namespace) -> list[str]:
    """What was there, and how it was measured."""
    return [
        *(f"stored at the beginning: {counts.told}" for counts in stored),
        f"p50 / p99, the medians of {options.rounds} rounds of {options.requests} requests each, which took turns",
        f"PostgreSQL with {' and '.join(f'{name}={value}' for name, value in POSTGRES.items())}",
        f"the median of {options.drains} backlogs of {options.backlog:,} orders at each size, one consumer",
    ]


def second(servers: Servers) -> Servers:
    """The same servers with another database, as empty as the first one."""
    before, _, name = servers.database_url.rpartition("/")
    with psycopg.connect(f"{before}/postgres", autocommit=True) as conn:
        conn.execute(SQL("CREATE DATABASE larger TEMPLATE {}").format(Identifier(name)))
    url = f"{before}/larger"
    return replace(servers, database_url=url, settings={**servers.settings, "DATABASE_URL": url})


def measure(sites: list[Site], options: argparse.Namespace) -> list[Figures]:
    """Requests first, then drains; by site."""
    found = [Figures({name: [] for name in REQUESTS}, []) for _ in sites]
    with ExitStack() as stack:
        callers = [stack.enter_context(caller(site)) for site in sites]
        ask_all(callers, options.requests // 10)  # to warm up
        for number in range(1, options.rounds + 1):
            for figures, taken in zip(found, ask_all(callers, options.requests), strict=True):
                for name, seconds in taken.items():
                    figures.requests[name].append(Times.of(seconds))
            print(f"  round {number} of {options.rounds} of requests", flush=True)
    for number in range(1, options.drains + 1):
        for site, figures in zip(sites, found, strict=True):
            figures.drains.append(drain(site, options.backlog))
            print(
                f"  drain {number} of {options.drains}  {site.orders:,} orders  {figures.drains[-1]:,.0f}/s", flush=True
            )
    return found


@contextmanager
def caller(site: Site) -> Iterator[Caller]:
    """One of the staff at this site, whose API runs meanwhile."""
    [port] = free_ports(1)
    contender = ours(site.servers.folder, site.servers.settings, port, f"bench-{uuid4().hex[:8]}")
    with Parts() as parts:
        parts.launch(contender.server)
        contender.server.wait_ready()
        night = history.oldest_night(site.orders)
        with Caller.of(contender.url, site.servers.database_url, night) as found:
            yield found


def ask_all(callers: list[Caller], times: int) -> list[dict[str, list[float]]]:
    """Seconds of every kind of request, by caller; they take turns."""
    taken: list[dict[str, list[float]]] = [{name: [] for name in REQUESTS} for _ in callers]
    for _ in range(times):
        for name, request in REQUESTS.items():
            for found, each in zip(taken, callers, strict=True):
                found[name].append(taken_seconds(request, each))
    return taken


def drain(site: Site, backlog: int) -> float:
    """Orders per second of one consumer with a backlog; afterwards its orders are over."""
    with site.connection() as conn:
        if history.counts(conn).orders > OUTGROWN * (site.orders + history.OPEN_ORDERS):
            history.fill(conn, site.orders)
        [(last_event,)] = conn.execute(LAST_EVENT)
        checkpoint(site.servers)
        found = work_off(site.servers, backlog, consumers=1, packed=8)
        conn.execute(CLOSE_SINCE, [last_event])
    return found.orders_per_second


def checkpoint(servers: Servers) -> None:
    """Let PostgreSQL write down what it has changed, as only its administrator may ask."""
    with psycopg.connect(PrivatePostgres(servers.folder).admin_url, autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def rows(found: list[Figures]) -> Iterator[list[str]]:
    """A line for each kind of request, and one for the drain."""
    for name in REQUESTS:
        p50s = [median(times.p50 for times in figures.requests[name]) for figures in found]
        p99s = [median(times.p99 for times in figures.requests[name]) for figures in found]
        cells = [f"{p50:.1f} / {p99:.1f}" for p50, p99 in zip(p50s, p99s, strict=True)]
        yield [f"{name}, ms", *cells, f"{p50s[-1] / p50s[0]:.2f} / {p99s[-1] / p99s[0]:.2f}"]
    rates = [median(figures.drains) for figures in found]
    yield ["the drain, orders/s", *(f"{rate:,.0f}" for rate in rates), f"{rates[0] / rates[-1]:.2f}"]


if __name__ == "__main__":
    sys.exit(part.run("growth", parse_options, find))
