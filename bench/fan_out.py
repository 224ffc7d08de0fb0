"""`python -m bench.fan_out`: many streams of events while orders are placed at a fixed rate.

Everything runs as in production. Every order is a guest's who has a stream, so its event goes to that stream and
to all of the staff's. Intake is measured first without a stream, then with all of them. An event that is missing or
comes twice fails the run.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from statistics import median
from typing import NamedTuple

import psutil

from bench import part, production
from bench.contenders import WORKERS
from bench.event_readers import Arrival, following
from bench.figures import KIB, MILLISECONDS_PER_SECOND, Times
from bench.open_loop import Sent, place_orders
from bench.people import add_people
from bench.processes import cpu_seconds, rss_bytes
from bench.section import Findings
from bench.servers import Servers, running
from dev.servers import ServerError
from shakerqueue.queries.models import UserRole

STREAMS = 400  # of a worker: the product's default
MAX_STREAMS = 10_000
GOAL_MS = 250.0
WARM_UP_SECONDS = 2.0
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


def find(options: argparse.Namespace) -> Findings:
    """All trials, and what was found besides."""
    remarks = [f"{options.rate:g} orders/s for {options.seconds:g} s, {WORKERS} workers"]
    with running() as servers:
        trials = list(measure(servers, options, remarks))
        return Findings(servers=servers.told, headings=HEADINGS, rows=list(rows(trials)), remarks=remarks)


def measure(servers: Servers, options: argparse.Namespace, remarks: list[str]) -> Iterator[Trial]:
    """All rounds, and what limits it if that was asked for; what is found besides goes into the remarks."""
    for number in range(1, options.rounds + 1):
        yield told(f"round {number}", try_out(servers, options, options.staff, options.guests))
    staff, guests = options.staff, options.guests
    while options.find_limit:
        staff, guests = 2 * staff, 2 * guests
        try:
            trial = try_out(servers, options, staff, guests)
        except ServerError as error:
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
        ServerError: streams were refused or ended, an order was not accepted, or an event is missing or was told twice.
    """
    secret, database = servers.settings["JWT_SECRET"], servers.database_url
    room = min(MAX_STREAMS, max(STREAMS, staff + guests))
    with production.running(servers, STREAMS=str(room)) as product:
        workers = product.api_workers()

        def load(seconds: float) -> list[Sent]:
            return accepted(place_orders(product.api, customers, rate=options.rate, seconds=seconds))

        customers = add_people(database, secret, UserRole.CUSTOMER, guests)
        boards = add_people(database, secret, UserRole.EMPLOYEE, staff)
        load(WARM_UP_SECONDS)
        without = load(options.seconds)
        before = usage(workers, options.idle_seconds)
        with following(product.api.port, boards + customers) as await_arrivals:
            idle = usage(workers, options.idle_seconds)
            orders = load(options.seconds)
            arrivals = await_arrivals(len(orders) * (staff + 1))
    check(orders, arrivals, staff)
    answered_at = {order.id: order.answered_at for order in orders}
    return Trial(
        staff=staff,
        guests=guests,
        events_per_second=len(arrivals) / options.seconds,
        accepted_to_arrived=Times.of([event.arrived_at - answered_at[event.order_id] for event in arrivals]),
        transaction_to_arrived=Times.of([event.arrived_at - event.at for event in arrivals]),
        intake_without=intake(without),
        intake_with=intake(orders),
        rss_kib=(idle.rss_bytes - before.rss_bytes) / KIB / (staff + guests),
        idle_cpu_ms=MILLISECONDS_PER_SECOND * (idle.cpu_share - before.cpu_share) / (staff + guests),
    )


class Usage(NamedTuple):
    """What the API's processes take while nothing happens."""

    rss_bytes: int
    cpu_share: float  # of one core


def usage(workers: list[psutil.Process], seconds: float) -> Usage:
    """Measured for so long."""
    before = sum(map(cpu_seconds, workers))
    time.sleep(seconds)
    spent = sum(map(cpu_seconds, workers)) - before
    return Usage(sum(map(rss_bytes, workers)), spent / seconds)


def accepted(orders: list[Sent]) -> list[Sent]:
    """The orders, if all of them were accepted.

    Raises:
        ServerError: one was not.
    """
    refused = sum(not order.id for order in orders)
    if refused:
        raise ServerError(f"{refused} of {len(orders)} orders were not accepted")
    return orders


def intake(orders: list[Sent]) -> Times:
    """From when an order was to be sent to its answer."""
    return Times.of([order.answered_at - order.due_at for order in orders])


def check(orders: list[Sent], arrivals: list[Arrival], staff: int) -> None:
    """Every board hears of every order once, and every guest of their own.

    Raises:
        ServerError: something is missing or too much.
    """
    expected = Counter((stream, order.id) for order in orders for stream in (*range(staff), staff + order.guest))
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
    sys.exit(part.run("fan_out", parse_options, find))
