"""`python -m bench.lean`: what memory the processes take, under load and over many orders, and what CPU time at rest.

The API's workers are looked at after a load of orders, the consumer while it works off a backlog. At rest everything
runs as in production, and nobody asks for anything.
"""

import argparse
import sys
import time
from typing import NamedTuple

import psutil
import psycopg

from bench import drain, part, production, servers, wrk
from bench.charts import Bar, Chart
from bench.figures import MIB, MILLISECONDS_PER_SECOND, Spread
from bench.people import GUEST, sign_in
from bench.processes import cpu_seconds, rss_bytes
from bench.production import Production
from bench.section import Findings
from bench.servers import Servers
from dev.servers import ServerError

CONNECTIONS = 64
PACKED = 8  # orders in a message of the backlog: so many are packed at 64 connections
SETTLE_SECONDS = 5.0
WORKER, CONSUMER = "API, each worker", "consumer"
GOALS_MIB = {WORKER: "120", CONSUMER: "80"}
HEADINGS = ["process", "RSS, MiB", "goal", "CPU at rest, ms a minute"]
SECONDS_PER_MINUTE = 60


class Taken(NamedTuple):
    """By one process, or by the largest of its kind."""

    process: str
    rss_mib: list[float]  # once or, of the consumer, a quarter of the way and at the end
    cpu_ms: float  # in a minute at rest


def parse_options(words: list[str]) -> argparse.Namespace:
    """Orders of the backlog, and for how long there is load and quiet."""
    parser = argparse.ArgumentParser(prog="python -m bench.lean", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000, help="that the consumer works off (1,000,000)")
    parser.add_argument("--load-seconds", type=int, default=10, help="of orders, for the API (10)")
    parser.add_argument("--quiet-seconds", type=int, default=60, help="in which nothing happens (60)")
    return parser.parse_args(words)


def find(options: argparse.Namespace) -> Findings:
    """Measure every kind of process."""
    with servers.running() as started:
        found = measure(started, options)
        return Findings(
            servers=started.told,
            headings=HEADINGS,
            rows=list(map(row, found)),
            remarks=[
                f"API and webhooks after {options.load_seconds} s of orders over {CONNECTIONS} connections",
                f"the consumer over {options.orders:,} orders, a quarter of the way and at the end",
                f"at rest for {options.quiet_seconds} s",
            ],
            charts=[chart(found)],
        )


def measure(started: Servers, options: argparse.Namespace) -> list[Taken]:
    """What each kind of process takes.

    Raises:
        ServerError: a part did not start, or did not do its work.
    """
    with production.running(started) as product:
        load(product, options.load_seconds)
        await_rest(started.database_url)
        taken_mib = {name: [max(map(rss_bytes, processes)) / MIB] for name, processes in processes_of(product).items()}
        print(f"Quiet for {options.quiet_seconds} s …", flush=True)
        cpu_ms = at_rest(product, options.quiet_seconds)
    print(f"A backlog of {options.orders:,} orders …", flush=True)
    samples = drain.drain(started, options.orders, consumers=1, packed=PACKED).rss_mib
    taken_mib[CONSUMER] = [samples[len(samples) // 4], samples[-1]]
    return [Taken(name, taken_mib[name], cpu_ms[name]) for name in taken_mib]


def row(taken: Taken) -> list[str]:
    """A line of the table."""
    rss = " to ".join(f"{mib:.0f}" for mib in taken.rss_mib)
    return [taken.process, rss, GOALS_MIB.get(taken.process, ""), f"{taken.cpu_ms:.0f}"]


def chart(found: list[Taken]) -> Chart:
    """The memory of each, in the end."""
    return Chart(
        name="lean",
        title="Memory of each process after its load",
        groups="process",
        axis="RSS, MiB",
        bars=[Bar(taken.process, "RSS", Spread.of(taken.rss_mib[-1:])) for taken in found],
    )


def load(product: Production, seconds: int) -> None:
    """Orders, as fast as they are accepted.

    Raises:
        ServerError: one was not.
    """
    print(f"Orders over {CONNECTIONS} connections for {seconds} s …", flush=True)
    url = f"{product.api.url}/orders"
    done = wrk.place_orders(url, sign_in(product.api.url, GUEST), connections=CONNECTIONS, seconds=seconds)
    if done.problems:
        raise ServerError("; ".join(done.problems))


def await_rest(database_url: str) -> None:
    """Return when nothing was stored for a moment."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        before, now = -1, 0
        while before != now:
            time.sleep(SETTLE_SECONDS)
            before, [(now,)] = now, conn.execute(drain.LAST_EVENT).fetchall()


def processes_of(product: Production) -> dict[str, list[psutil.Process]]:
    """By what they are called in the table."""
    return {
        "API, main": [psutil.Process(product.api.pid)],
        WORKER: product.api_workers(),
        CONSUMER: [psutil.Process(product.consumer.pid)],
        "webhooks": [psutil.Process(product.webhooks.pid)],
    }


def at_rest(product: Production, seconds: int) -> dict[str, float]:
    """CPU milliseconds a minute, by process; of several the most."""
    processes = processes_of(product)
    before = {name: list(map(cpu_seconds, each)) for name, each in processes.items()}
    time.sleep(seconds)
    return {
        name: max(cpu_seconds(process) - was for process, was in zip(each, before[name], strict=True))
        * MILLISECONDS_PER_SECOND
        * SECONDS_PER_MINUTE
        / seconds
        for name, each in processes.items()
    }


if __name__ == "__main__":
    sys.exit(part.run("lean", parse_options, find))
