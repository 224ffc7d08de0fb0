"""What a run gave, for the terminal and for docs/reliability.md: `python -m tests.fuzz.report` writes the latter."""

import sys
from collections.abc import Iterator

from bench.section import with_section
from dev.state import CLONE
from tests.chaos.report import described_machine
from tests.fuzz import results
from tests.fuzz.results import CLASSES, CallerResult, RunResult

DOCUMENT = CLONE / "docs" / "reliability.md"
BEGIN, END = "<!-- fuzz: written by python -m tests.fuzz.report -->", "<!-- /fuzz -->"


def main() -> int:
    """Rewrite the document's section; exit code 1 when there is nothing to put there."""
    found = results.read()
    if found is None:
        print("Nothing was sent yet: run `make fuzz`", file=sys.stderr)
        return 1
    DOCUMENT.write_text(with_section(DOCUMENT.read_text("utf-8"), section(found), BEGIN, END), "utf-8")
    print(f"docs/reliability.md now shows the run of {found.ended_at:%Y-%m-%d}")
    return 0


def table(result: RunResult) -> str:
    """Requests per caller and operation by class of status, aligned for a terminal."""
    rows = [["caller", "operation", *CLASSES]]
    rows += [
        [caller.caller, count.operation, *(f"{count.by_class[group]:,}" for group in CLASSES)]
        for caller in result.callers
        for count in caller.operations
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def overview(result: RunResult) -> str:
    """Requests per caller by class of status, as Markdown."""
    headings = ["caller", "requests", *CLASSES, "violations", "seconds"]
    total = ["all", *_figures(result), f"{result.seconds:.0f}"]
    rows = [headings, ["---"] * len(headings), *(_row(caller) for caller in result.callers), total]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(caller: CallerResult) -> list[str]:
    return [caller.caller, *_figures(caller), f"{caller.seconds:.0f}"]


def _figures(result: CallerResult | RunResult) -> list[str]:
    by_class = result.by_class
    classes = [f"{by_class[group]:,}" for group in CLASSES]
    return [f"{result.requests:,}", *classes, str(len(result.violations))]


def failures(result: RunResult) -> Iterator[str]:
    """Each kind of failure, with a request that shows it."""
    for caller in result.callers:
        for one in caller.violations:
            yield (
                f"FAILED {caller.caller}, {one.operation}, {one.check}, status {one.status}, {one.times} times\n"
                f"{one.says}\n{one.curl}"
            )


def section(result: RunResult) -> str:
    """The overview, and under it all that one needs to judge or repeat it."""
    return "\n".join([overview(result), "", *_remarks(result)])


def _remarks(result: RunResult) -> Iterator[str]:
    yield f"- {result.ended_at:%Y-%m-%d}, `{result.command}`, schemathesis {result.schemathesis}"
    yield f"- sources {result.product}; {described_machine(result.machine)}"
    yield f"- 2xx: {result.by_class['2xx'] / max(1, result.requests):.0%} of the requests"
    for reason, times in results.added_up(caller.excluded for caller in result.callers).items():
        yield f"- {times:,} findings that are none: {reason}"
    yield f"- callers put back in order: {sum(caller.began_anew for caller in result.callers):,} times"
    yield f"- operations that never gave a 2xx: {', '.join(result.never_successful()) or 'none'}"
    for caller in result.callers:
        for one in caller.violations:
            yield f"- **failed** as {caller.caller}: {one.operation}, {one.check}: {one.says.splitlines()[0]}"


if __name__ == "__main__":
    sys.exit(main())
