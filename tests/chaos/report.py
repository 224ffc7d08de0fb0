"""Turns results into the table of docs/reliability.md: `python -m tests.chaos.report`."""

import sys
from collections import Counter

from bench.results import Machine
from bench.section import with_section
from dev.state import CLONE
from tests.chaos import results
from tests.chaos.ledger import bound_95
from tests.chaos.results import RowResult
from tests.chaos.rows import ROWS

DOCUMENT = CLONE / "docs" / "reliability.md"
BEGIN, END = "<!-- rows: written by python -m tests.chaos.report -->", "<!-- /rows -->"
HEADINGS = [
    "row",
    "what fails, and how",
    "faults",
    "orders ok / unknown / refused",
    "lost / duplicated / invented",
    "requests 2xx",
    "p99, slowest",
    "witnesses",
    "95 % bound per order, per fault",
    "date, sources",
]


def main() -> int:
    """Rewrite the document's table; exit code 1 when there is nothing to put there."""
    found = [result for number in ROWS if (result := results.read(number)) and result.slices]
    if not found:
        print("No row has run yet: run `make chaos`", file=sys.stderr)
        return 1
    DOCUMENT.write_text(with_section(DOCUMENT.read_text("utf-8"), section(found), BEGIN, END), "utf-8")
    print(f"docs/reliability.md now shows {len(found)} of {len(ROWS)} rows")
    return 0


def section(found: list[RowResult]) -> str:
    """The table, and under it what it was measured on, and what did not hold."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(_cells(result) for result in found)]
    table = [f"| {' | '.join(cells)} |" for cells in lines]
    return "\n".join([*table, "", *_machines(found), *_problems(found)])


def _cells(result: RowResult) -> list[str]:
    row, slices, faults = ROWS[result.row], result.slices, result.total("faults")
    orders = [result.total(count) for count in ("orders_ok", "orders_unknown", "orders_refused")]
    wrong = [result.total(count) for count in ("lost", "duplicated", "invented")]
    return [
        result.row,
        f"{row.title}: {row.fault}",
        f"{faults}{'' if result.finished else f' of {row.full.faults}'}",
        " / ".join(f"{count:,}" for count in orders),
        " / ".join(map(str, wrong)) + (" **failed**" if result.failed else ""),
        f"{result.total('requests_ok') / max(1, result.total('requests')):.2%} of {result.total('requests'):,}",
        f"{max(one.p99_seconds for one in slices):.2f} s, {max(one.slowest_seconds for one in slices):.2f} s",
        _witnesses(result),
        _bounds(orders[0], faults, clean=not any(wrong) and not result.failed),
        f"{slices[-1].ended_at:%Y-%m-%d}, {result.product[:6]}",
    ]


def _witnesses(result: RowResult) -> str:
    seen: Counter[str] = Counter()
    for one in result.slices:
        seen.update(one.witnesses)
    figures = [f"{name} {figure}" for name, figure in result.slices[-1].figures.items()]
    return "; ".join([*(f"{count:,} {what}" for what, count in seen.items()), *figures])


def _bounds(orders: int, faults: int, *, clean: bool) -> str:
    return f"{bound_95(orders):.2%}, {bound_95(faults):.1%}" if clean else ""


def _machines(found: list[RowResult]) -> list[str]:
    described = dict.fromkeys(described_machine(result.machine) for result in found)
    products = dict.fromkeys(result.product for result in found)
    state = "one state" if len(products) == 1 else f"{len(products)} states"
    return [*(f"- {machine}" for machine in described), f"- {state} of the product's sources: {', '.join(products)}"]


def described_machine(machine: Machine) -> str:
    """What a run was measured on, in a line."""
    hardware = f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib:.0f} GiB"
    return f"{hardware}; {machine.system}; Python {machine.python}"


def _problems(found: list[RowResult]) -> list[str]:
    return [
        f"- row {result.row}, slice {number}: {problem.splitlines()[0]}"
        for result in found
        for number, one in enumerate(result.slices, start=1)
        for problem in one.problems
    ]


if __name__ == "__main__":
    sys.exit(main())
