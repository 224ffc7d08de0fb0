"""`python -m bench.drain`: how fast consumers work off a backlog, items and events included, and what memory they take.

The backlog is published before a consumer starts, so nothing else is at work meanwhile than broker, consumers and
PostgreSQL. The rate is that of the orders after the first hundredth: connecting is not in it.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID, uuid4

import psutil
import psycopg

from bench import part
from bench.charts import Bar, Chart
from bench.figures import MIB, Spread
from bench.people import GUEST
from bench.processes import rss_bytes
from bench.queues import Queues
from bench.section import Findings
from bench.servers import Servers, running
from dev import product, state
from dev.product import ProductServer
from dev.run import Parts
from dev.servers import ServerError
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced, encode_order, pack
from shakerqueue.messaging.topology import Topology
from shakerqueue.order_ids import fingerprint, order_id

POLL_SECONDS = 0.05
LIMIT_SECONDS = 300.0
HEADINGS = ["consumers", "orders in a message", "orders/s (lowest to highest)", "RSS of the largest, MiB"]
EMPTY = "TRUNCATE orders, order_events, order_items RESTART IDENTITY CASCADE"
STORED = "SELECT count(*) FROM orders"
DRINKS = "SELECT count(*) FROM order_items"
EVENTS = "SELECT count(*) FROM order_events"
LAST_EVENT = "SELECT coalesce(max(id), 0) FROM order_events"  # one for each order; counting would cost the consumers


class Drain(NamedTuple):
    """One backlog, worked off."""

    consumers: int
    packed: int  # orders in each message
    orders_per_second: float
    rss_mib: list[float]  # of the largest consumer, over time


def parse_options(words: list[str]) -> argparse.Namespace:
    """Orders and rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000, help="in the backlog (200,000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is measured (3)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """All rounds, on servers of their own."""
    with running() as servers:
        drains = list(measure(servers, options.orders, options.rounds))
        remark = f"{options.orders:,} orders of one drink, {options.rounds} rounds; RSS of the largest consumer"
        return Findings(
            servers=servers.told, headings=HEADINGS, rows=list(rows(drains)), remarks=[remark], charts=[chart(drains)]
        )


def measure(servers: Servers, orders: int, rounds: int) -> Iterator[Drain]:
    """Each number of consumers and each packing in turn."""
    for number, consumers, packed in itertools.product(range(1, rounds + 1), (1, 2), (1, 8)):
        found = drain(servers, orders, consumers, packed)
        print(
            f"  round {number}  {consumers} consumers  {packed} a message  {found.orders_per_second:8,.0f} orders/s"
            f"   RSS at most {max(found.rss_mib):.0f} MiB",
            flush=True,
        )
        yield found


def drain(servers: Servers, orders: int, consumers: int, packed: int) -> Drain:
    """Have a backlog worked off into an empty database. Raises as `work_off`."""
    with psycopg.connect(servers.database_url) as conn:
        conn.execute(EMPTY)
    return work_off(servers, orders, consumers, packed)


def work_off(servers: Servers, orders: int, consumers: int, packed: int) -> Drain:
    """Publish a backlog and have it worked off, beside what is stored already.

    Raises:
        ServerError: an order, a drink or an event is missing or too much.
    """
    topology = Topology(f"bench-{uuid4().hex[:8]}")
    with Queues.of(servers.amqp_url, [topology]) as queues, psycopg.connect(servers.database_url) as conn:
        conn.autocommit = True
        fill(queues, topology, conn, orders, packed)
        before = counts(conn)
        [(last_event,)] = conn.execute(LAST_EVENT)
        with consuming(servers, topology, consumers) as processes:
            rate, taken_mib = watch(conn, processes, orders, last_event)
        added = [after - there for after, there in zip(counts(conn), before, strict=True)]
        if added != [orders] * 3:
            raise ServerError(f"of {orders} orders there are {added} orders, drinks and events")
    return Drain(consumers, packed, rate, taken_mib)


def counts(conn: psycopg.Connection) -> list[int]:
    """How many orders, drinks and events are stored."""
    return [count for query in (STORED, DRINKS, EVENTS) for (count,) in conn.execute(query)]


def fill(queues: Queues, topology: Topology, conn: psycopg.Connection, orders: int, packed: int) -> None:
    """The backlog, all of it in the queue when this returns."""
    [(guest,)] = conn.execute("SELECT id FROM users WHERE email = %(email)s", GUEST)
    menu = [ItemPlaced(recipe_id=id, recipe=name) for id, name in conn.execute("SELECT id, name FROM recipes")]
    [(secret,)] = conn.execute("SELECT secret FROM order_id_secret")
    made = (encode_order(order(secret, guest, menu[number % len(menu)], number)) for number in range(orders))
    bodies = iter(lambda: list(itertools.islice(made, packed)), [])
    queues.publish_all(topology, (pack(body) for body in bodies))


def order(secret: bytes, guest: UUID, item: ItemPlaced, number: int) -> OrderPlaced:
    """An order of one drink, as the API would have made it."""
    key, print_ = uuid4().hex, fingerprint({"recipe": item.recipe})
    return OrderPlaced(
        id=order_id(secret, guest, key, print_),
        principal_id=guest,
        idempotency_key=key,
        fingerprint=print_,
        placed_at=datetime.now(UTC),
        items=(item,),
        ticket=f"T{number % 40}",
    )


@contextmanager
def consuming(servers: Servers, topology: Topology, consumers: int) -> Iterator[list[psutil.Process]]:
    """So many consumers, as in production."""
    environment = {**servers.settings, "AMQP_PREFIX": topology.prefix, "LOG_LEVEL": "WARNING"}
    with state.temporary() as folder, Parts() as parts:
        started = [consumer(folder, environment, number) for number in range(consumers)]
        for server in started:
            parts.launch(server)
            server.wait_ready()
        yield [psutil.Process(server.pid) for server in started]


def consumer(folder: Path, environment: dict[str, str], number: int) -> ProductServer:
    """One of them, with a log of its own."""
    return ProductServer(f"Consumer {number}", product.CONSUME, state_folder=folder, settings=environment)


def watch(
    conn: psycopg.Connection, processes: list[psutil.Process], orders: int, last_event: int
) -> tuple[float, list[float]]:
    """Orders per second from the first hundredth to the last one, and the memory taken meanwhile.

    `last_event` is the end of the log before the first of them.

    Raises:
        ServerError: it takes too long.
    """
    taken_mib: list[float] = []
    began: tuple[float, int] | None = None
    give_up_at = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < give_up_at:
        [(newest_event,)] = conn.execute(LAST_EVENT)
        stored = newest_event - last_event
        if stored >= orders // 100:
            began = began or (time.monotonic(), stored)
            taken_mib.append(max(map(rss_bytes, processes)) / MIB)
        if stored >= orders and began is not None:
            return (stored - began[1]) / (time.monotonic() - began[0]), taken_mib
        time.sleep(POLL_SECONDS)
    raise ServerError(f"the backlog was not worked off within {LIMIT_SECONDS:.0f} s")


def rows(drains: list[Drain]) -> Iterator[list[str]]:
    """A line for each number of consumers and each packing."""
    for consumers, packed in sorted({(found.consumers, found.packed) for found in drains}):
        group = [found for found in drains if (found.consumers, found.packed) == (consumers, packed)]
        rate = Spread.of([found.orders_per_second for found in group])
        memory = [(found.rss_mib[len(found.rss_mib) // 4], found.rss_mib[-1]) for found in group]
        quarter, end = (median(values) for values in zip(*memory, strict=True))
        yield [str(consumers), str(packed), rate.told, f"{quarter:.0f} to {end:.0f}"]


def chart(drains: list[Drain]) -> Chart:
    """The rates, as in the table."""
    groups: dict[tuple[int, int], list[float]] = {}
    for found in sorted(drains, key=lambda drain: (drain.consumers, drain.packed)):
        groups.setdefault((found.consumers, found.packed), []).append(found.orders_per_second)
    return Chart(
        name="drain",
        title="Orders stored from a backlog, median and spread of the rounds",
        groups="consumers",
        axis="stored orders/s",
        bars=[
            Bar(str(consumers), f"{packed} a message", Spread.of(rates))
            for (consumers, packed), rates in groups.items()
        ],
    )


if __name__ == "__main__":
    sys.exit(part.run("drain", parse_options, find))
