"""`python -m bench.fan_out`: many streams of events while orders are placed at a fixed rate.

API and consumer run as in production. Every order is a guest's who has a stream, so its event goes to that stream and
to all of the staff's. Intake is measured first without a stream, then with all of them. An event that is missing or
comes twice fails the run.
"""

import argparse
import multiprocessing
import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

import psutil
import psycopg
from pika.exceptions import AMQPError

from bench.event_readers import Arrival, follow
from bench.machine import this_machine
from bench.order_source import Placed, place_orders
from bench.people import Person, add_people
from bench.queues import Queues
from bench.section import Section
from bench.servers import Servers, running
from dev import product, state
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.rabbitmq import ensure_installed
from dev.run import Api, Parts, interrupt_on_signals
from dev.servers import ServerError
from shakerqueue.messaging.topology import Topology
from shakerqueue.queries.models import UserRole

WORKERS = 2
STREAMS = 400  # of a worker: the product's default
MAX_STREAMS = 10_000
GOAL_MS = 250.0
WARM_UP_SECONDS = 2.0
MILLISECONDS = 1_000
KIB = 1 << 10
HEADINGS = [
    "streams of staff + guests",
    "events/s delivered",
    "accepted to arrived, ms: p50, p99, max",
    "transaction to arrived, ms: p50, p99",
    "intake without streams, ms: p50, p99",
    "intake with them",
    "RSS a stream, KiB",
    "idle CPU a stream, ms/s",
]

_spawn = multiprocessing.get_context("spawn")


class Times(NamedTuple):
    """Of many that were measured, in milliseconds."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        """Of at least one."""
        ordered = sorted(seconds)
        p50, p99 = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
        return cls(*(MILLISECONDS * value for value in (p50, p99, ordered[-1])))


class Trial(NamedTuple):
    """One API, without streams and with so many."""

    staff: int
    guests: int
    events_per_second: float
    accepted_to_arrived: Times
    transaction_to_arrived: Times
    intake_without: Times
    intake_with: Times
    rss_kib: float  # for each stream, of the API's processes
    idle_cpu_ms: float  # in a second, for each stream


class NoRoom(Exception):
    """Streams were refused."""


def main() -> int:
    """Exit code 0 when every event arrived once."""
    options = parse_options(sys.argv[1:])
    interrupt_on_signals()
    machine = this_machine()
    ensure_installed()
    remarks: list[str] = []
    try:
        with running() as servers:
            trials = list(measure(servers, options, remarks))
            section = Section(
                part="fan_out",
                command=shlex.join(["python", "-m", "bench.fan_out", *sys.argv[1:]]),
                machine=machine,
                servers=servers.told,
                headings=HEADINGS,
                rows=list(rows(trials)),
                remarks=[f"{options.rate:g} orders/s for {options.seconds:g} s, {WORKERS} workers", *remarks],
            )
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", flush=True)
        return 1
    except (NoRoom, ServerError, OSError, AMQPError, psycopg.Error) as error:
        print(f"bench.fan_out: {error or repr(error)}", file=sys.stderr)
        return 1
    print(f"\n{section.markdown()}\n\nWritten to {section.keep()}")
    return 0


def parse_options(words: list[str]) -> argparse.Namespace:
    """How many follow, and how much happens."""
    parser = argparse.ArgumentParser(prog="python -m bench.fan_out", description=__doc__)
    parser.add_argument("--staff", type=int, default=20, help="streams of the staff, who see everything (20)")
    parser.add_argument("--guests", type=int, default=480, help="streams of guests, one each (480)")
    parser.add_argument("--rate", type=float, default=200, help="orders a second (200)")
    parser.add_argument("--seconds", type=float, default=20, help="for how long, without streams and with (20)")
    parser.add_argument("--idle-seconds", type=float, default=15, help="at rest, one heartbeat of each stream (15)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is measured (3)")
    parser.add_argument("--find-limit", action="store_true", help="then double the streams until it is too many")
    return parser.parse_args(words)


def measure(servers: Servers, options: argparse.Namespace, remarks: list[str]) -> Iterator[Trial]:
    """All rounds, and what limits it if that was asked for; what is found besides goes into the remarks."""
    for number in range(1, options.rounds + 1):
        yield told(f"round {number}", try_out(servers, options, options.staff, options.guests))
    staff, guests = options.staff, options.guests
    while options.find_limit:
        staff, guests = 2 * staff, 2 * guests
        try:
            trial = try_out(servers, options, staff, guests)
        except (NoRoom, ServerError) as error:
            remarks.append(f"limit: {staff + guests:,} streams: {error}")
            return
        yield told("doubled", trial)
        if trial.accepted_to_arrived.p99 > GOAL_MS:
            remarks.append(f"limit: with {staff + guests:,} streams p99 is above {GOAL_MS:.0f} ms")
            return


def told(name: str, trial: Trial) -> Trial:
    """The trial, after a line about it."""
    events, intake = trial.accepted_to_arrived, trial.intake_with.p99 / trial.intake_without.p99
    print(
        f"  {name}  {trial.staff} + {trial.guests} streams  {trial.events_per_second:6,.0f} events/s"
        f"   p50 {events.p50:.0f} ms, p99 {events.p99:.0f} ms   intake's p99 {intake:.2f} times as long",
        flush=True,
    )
    return trial


def try_out(servers: Servers, options: argparse.Namespace, staff: int, guests: int) -> Trial:
    """Measure with so many streams.

    Raises:
        NoRoom: streams were refused.
        ServerError: an order was not accepted, or an event is missing or was told twice.
    """
    secret, database = servers.settings["JWT_SECRET"], servers.database_url
    with product_running(servers, staff + guests) as api, ProcessPoolExecutor(1, _spawn) as process:

        def load(seconds: float) -> list[Placed]:
            return accepted(process.submit(place_orders, api.port, customers, options.rate, seconds).result())

        customers = add_people(database, secret, UserRole.CUSTOMER, guests)
        boards = add_people(database, secret, UserRole.EMPLOYEE, staff)
        load(WARM_UP_SECONDS)
        without = load(options.seconds)
        before = usage(api, options.idle_seconds)
        with streams(api.port, boards + customers) as connection:
            idle = usage(api, options.idle_seconds)
            orders = load(options.seconds)
            connection.send(len(orders) * (staff + 1))
            arrivals, ended = connection.recv()
    if ended:
        raise ServerError(f"{ended} streams were ended")
    check(orders, arrivals, boards, customers)
    answered_at = {order.order_id: order.answered_at for order in orders}
    return Trial(
        staff=staff,
        guests=guests,
        events_per_second=len(arrivals) / options.seconds,
        accepted_to_arrived=Times.of([event.arrived_at - answered_at[event.order_id] for event in arrivals]),
        transaction_to_arrived=Times.of([event.arrived_at - event.at for event in arrivals]),
        intake_without=intake(without),
        intake_with=intake(orders),
        rss_kib=(idle.rss - before.rss) / KIB / (staff + guests),
        idle_cpu_ms=MILLISECONDS * (idle.cpu_share - before.cpu_share) / (staff + guests),
    )


@contextmanager
def product_running(servers: Servers, count: int) -> Iterator[Api]:
    """API and consumer, as in production, with room for so many streams."""
    topology, [port] = Topology(f"bench-{uuid4().hex[:8]}"), free_ports(1)
    settings = {
        **servers.settings,
        "AMQP_PREFIX": topology.prefix,
        "HOST": LOOPBACK,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "STREAMS": str(min(MAX_STREAMS, max(STREAMS, count))),
        "LOG_LEVEL": "WARNING",
    }
    with Queues.of(servers.amqp_url, [topology]), state.temporary() as folder, Parts() as parts:
        parts.launch(ProductServer("Consumer", product.CONSUME, state_folder=folder, settings=settings))
        api = Api(LOOPBACK, port, state_folder=Path(folder), settings=settings)
        parts.launch(api)
        api.wait_ready()
        yield api


@contextmanager
def streams(port: int, people: list[Person]) -> Iterator[Connection]:
    """A process that reads a stream of each; what to say to it and to hear from it: `event_readers.follow`.

    Raises:
        NoRoom: streams were refused.
    """
    here, there = _spawn.Pipe()
    process = _spawn.Process(target=follow, args=(there, port, [person.token for person in people]))
    process.start()
    try:
        granted = here.recv()
        if granted < len(people):
            raise NoRoom(f"{len(people) - granted} were refused")
        yield here
    finally:
        process.kill()
        process.join()


class Usage(NamedTuple):
    """What the API's processes take while nothing happens."""

    rss: int  # bytes
    cpu_share: float  # of one core


def usage(api: Api, seconds: float) -> Usage:
    """Measured for so long."""
    workers = psutil.Process(api.pid).children(recursive=True)
    before = cpu_seconds(workers)
    time.sleep(seconds)
    spent = cpu_seconds(workers) - before
    return Usage(sum(worker.memory_info().rss for worker in workers), spent / seconds)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Of all of them, since they started."""
    return float(sum(sum(process.cpu_times()[:2]) for process in processes))


def accepted(orders: list[Placed]) -> list[Placed]:
    """The orders, if all of them were accepted.

    Raises:
        ServerError: one was not.
    """
    refused = sum(order.order_id is None for order in orders)
    if refused:
        raise ServerError(f"{refused} of {len(orders)} orders were not accepted")
    return orders


def intake(orders: list[Placed]) -> Times:
    """From when an order was to be sent to its answer."""
    return Times.of([order.answered_at - order.due_at for order in orders])


def check(orders: list[Placed], arrivals: list[Arrival], boards: list[Person], customers: list[Person]) -> None:
    """Every board hears of every order once, and every guest of their own.

    Raises:
        ServerError: something is missing or too much.
    """
    stream_of = {person.id: number for number, person in enumerate(customers, start=len(boards))}
    expected = Counter(
        (stream, str(order.order_id)) for order in orders for stream in (*range(len(boards)), stream_of[order.guest_id])
    )
    found = Counter((event.reader, event.order_id) for event in arrivals)
    missing, surplus = (expected - found).total(), (found - expected).total()
    if missing or surplus:
        raise ServerError(f"of {expected.total()} events {missing} are missing, and {surplus} are too many")


def rows(trials: list[Trial]) -> Iterator[list[str]]:
    """A line for each number of streams, with medians."""
    for staff, guests in sorted({(trial.staff, trial.guests) for trial in trials}):
        group = [trial for trial in trials if (trial.staff, trial.guests) == (staff, guests)]
        yield [
            f"{staff} + {guests}",
            f"{median(trial.events_per_second for trial in group):,.0f}",
            ", ".join(medians([trial.accepted_to_arrived for trial in group])),
            ", ".join(medians([trial.transaction_to_arrived for trial in group])[:2]),
            ", ".join(medians([trial.intake_without for trial in group])[:2]),
            ", ".join(medians([trial.intake_with for trial in group])[:2]),
            f"{median(trial.rss_kib for trial in group):.0f}",
            f"{median(trial.idle_cpu_ms for trial in group):.3f}",
        ]


def medians(times: list[Times]) -> list[str]:
    """p50, p99 and the longest, each over the rounds."""
    return [f"{median(values):.0f}" for values in zip(*times, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
