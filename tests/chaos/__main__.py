"""`make chaos`: runs the rows of the table at their figures, slice by slice, and keeps what they gave.

ROW=5,14a chooses rows; FRESH=1 begins those anew that are finished or half done.
"""

import os
import sys
import time
from collections.abc import Mapping

import psycopg
from pika.exceptions import AMQPError

from bench.machine import this_machine
from dev.rabbitmq import ensure_installed
from dev.run import interrupt_on_signals
from dev.servers import ServerError
from tests.chaos import results
from tests.chaos.house import opened
from tests.chaos.results import RowResult, SliceResult
from tests.chaos.row import Row
from tests.chaos.rows import ROWS
from tests.chaos.servers import Servers, running
from tests.chaos.slices import broken_off, run_slice


class UnknownRow(ValueError):
    """ROW names a row that there is not."""


def main() -> int:
    """Exit code 0 when every chosen row passed, now or before."""
    interrupt_on_signals()
    try:
        rows = chosen_rows(os.environ)
        run_rows(rows, fresh=bool(os.environ.get("FRESH")))
    except KeyboardInterrupt:
        print("\nStopped; `make chaos` goes on with the next slice.", flush=True)
        return 1
    except (UnknownRow, ServerError, OSError) as error:
        print(f"make chaos: {error}", file=sys.stderr)
        return 1
    failed = [row.number for row in rows if not passed(results.read(row.number))]
    print(f"Failed: {', '.join(failed)}" if failed else "Every row passed.", flush=True)
    return 1 if failed else 0


def chosen_rows(environment: Mapping[str, str]) -> list[Row]:
    """The rows that ROW names, `14` being all whose number begins so; without it all.

    Raises:
        UnknownRow: there is no such row.
    """
    words = [word.strip() for word in environment.get("ROW", "").split(",") if word.strip()]
    chosen = {number for word in words or ROWS for number in _numbers(word)}
    return [row() for number, row in ROWS.items() if number in chosen]


def _numbers(word: str) -> list[str]:
    found = [number for number in ROWS if word in (number, number.rstrip("abc"))]
    if not found:
        raise UnknownRow(f"there is no row {word}; there are {', '.join(ROWS)}")
    return found


def passed(result: RowResult | None) -> bool:
    """Whether a row is finished without a problem."""
    return result is not None and result.finished and not result.failed


def run_rows(rows: list[Row], *, fresh: bool) -> None:
    """Run what is not finished yet.

    Raises:
        ServerError: a part did not start.
    """
    begun = {row.number: start_of(row, fresh=fresh) for row in rows}
    wanted = [row for row in rows if not begun[row.number].finished]
    for row in rows:
        if row not in wanted:
            print(f"row {row.number:<3} {row.title}: finished before (FRESH=1 runs it again)", flush=True)
    if wanted:
        ensure_installed()
        with running() as servers:
            for row in wanted:
                run_row(row, servers, begun[row.number])


def start_of(row: Row, *, fresh: bool) -> RowResult:
    """Where to go on: what this state of the product gave so far, unless it failed or shall be forgotten."""
    product = results.product_digest()
    known = results.read(row.number)
    if known and known.product == product and not known.failed and not fresh:
        return known
    return RowResult(row=row.number, product=product, machine=this_machine(), slices_wanted=row.size.slices, slices=[])


def run_row(row: Row, servers: Servers, result: RowResult) -> None:
    """Run a row's slices that are missing, keeping each. It ends at the first in which something broke for good."""
    print(f"row {row.number:<3} {row.title}: {row.fault}", flush=True)
    began_at = time.monotonic()
    try:
        with opened(servers, proxied=row.proxied, amqp_options=row.amqp_options, **row.settings) as house:
            while not result.finished:
                result = keep(result, run_slice(row, house, len(result.slices), show_progress))
    except (AssertionError, ServerError, AMQPError, psycopg.Error) as error:
        keep(result, broken_off(row, error, time.monotonic() - began_at))


def show_progress(text: str) -> None:
    """On a terminal, one line that is written over."""
    if sys.stdout.isatty():
        print(f"\r  {text:<60}", end="\r", flush=True)


def keep(result: RowResult, done: SliceResult) -> RowResult:
    """Add a slice to the row's result, on the disk as well, and say how it went."""
    result = results.with_slice(result, done)
    results.write(result)
    witnesses = ", ".join(f"{count} {what}" for what, count in done.witnesses.items())
    print(
        f"  slice {len(result.slices)}/{result.slices_wanted}  {done.seconds:5.0f} s  {done.orders_ok} ok,"
        f" {done.orders_unknown} unknown, {done.orders_refused} refused;"
        f" {done.requests_ok / max(1, done.requests):.2%} of {done.requests} requests;"
        f" p99 {done.p99_seconds:.2f} s; {witnesses}",
        *(f"    PROBLEM: {problem}" for problem in done.problems),
        sep="\n",
        flush=True,
    )
    return result


if __name__ == "__main__":
    sys.exit(main())
