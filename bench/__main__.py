"""`make bench`: measures intake beside the peers, prints a table, writes JSON and draws charts into .local/bench/."""

import argparse
import sys
from datetime import UTC, datetime

from bench import intake, peer_environment, results
from bench.charts import draw
from bench.machine import packages, this_machine
from bench.part import command, interruptible
from bench.report import charts, invalid_rounds, section
from bench.results import Machine, Results, Round
from bench.section import DOCUMENT
from bench.stack import Stack, running
from dev.debian import ensure_program
from dev.rabbitmq import ensure_installed

CONNECTIONS = [1, 16, 64]


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when every round counts."""
    found = measure(options)
    print(f"\n{section(found)}\n\nWritten to {results.write(found)}")
    draw(charts(found), results.FOLDER)
    print(f"Drawn as SVG beside it; `python -m bench.report` puts all of it into {DOCUMENT.name}")
    return 1 if invalid_rounds(found) else 0


def parse_options(words: list[str]) -> argparse.Namespace:
    """Rounds, seconds and connections."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=positive, default=3, help="how often each figure is measured (3)")
    parser.add_argument("--seconds", type=positive, default=5, help="how long a round lasts (5)")
    parser.add_argument("--keys", action="store_true", help="give each order an Idempotency-Key of its own")
    parser.add_argument("--connections", type=positive, nargs="+", default=CONNECTIONS, help="at a time (1 16 64)")
    return parser.parse_args(words)


def positive(text: str) -> int:
    """A whole number above zero.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def measure(options: argparse.Namespace) -> Results:
    """Install what is missing, start everything and measure.

    Raises:
        ServerError: a part did not start, or orders were lost.
    """
    machine = this_machine()
    ensure_program("wrk")
    ensure_installed()
    peer_environment.ensure_installed()
    print("Starting the servers …", flush=True)
    with running() as stack:
        intake.verify(stack)
        print("Warming up …", flush=True)
        rounds = intake.measure(
            stack,
            rounds=options.rounds,
            seconds=options.seconds,
            connections=sorted(set(options.connections)),
            with_keys=options.keys,
        )
        return described(stack, machine, options, [shown(measured) for measured in rounds])


def shown(measured: Round) -> Round:
    """Print a line about a round that has just ended; the round."""
    where = f"round {measured.number}  {measured.connections:3} connections  {measured.contender:<27}"
    times = f"p50 {measured.p50_ms:6.1f} ms   p99 {measured.p99_ms:6.1f} ms"
    warning = "".join(f"   NOT COUNTED: {problem}" for problem in measured.problems)
    print(f"  {where}{measured.accepted_per_second:8,.0f} orders/s   {times}{warning}", flush=True)
    return measured


def described(stack: Stack, machine: Machine, options: argparse.Namespace, rounds: list[Round]) -> Results:
    """The rounds, with all that one needs to judge or repeat them."""
    return Results(
        measured_at=datetime.now(UTC),
        command=command("bench"),
        machine=machine,
        servers=stack.servers.told,
        seconds=options.seconds,
        with_keys=options.keys,
        packages=packages(stack.contenders),
        rounds=rounds,
    )


if __name__ == "__main__":
    given = parse_options(sys.argv[1:])
    sys.exit(interruptible("make bench", lambda: run(given)))
