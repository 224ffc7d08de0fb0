"""Turns results into tables. `python -m bench.report [FILE]` puts those of the last run into docs/performance.md."""

import sys
from pathlib import Path
from statistics import median

from bench.results import Results, Spread, Summary, newest, ratio, read, summaries, valid_rounds
from dev.state import CLONE

DOCUMENT = CLONE / "docs" / "performance.md"
BEGIN, END = "<!-- intake: written by python -m bench.report -->", "<!-- /intake -->"
HEADINGS = ["connections", "", "accepted/s (lowest to highest)", "p50 ms", "p99 ms", "ours to it"]


def main() -> int:
    """Rewrite the document's table; exit code 1 when there is nothing to put there."""
    path = Path(sys.argv[1]) if sys.argv[1:] else newest()
    if path is None:
        print("Nothing was measured yet: run `make bench`", file=sys.stderr)
        return 1
    DOCUMENT.write_text(with_section(DOCUMENT.read_text("utf-8"), section(read(path))), "utf-8")
    print(f"docs/performance.md now shows {path.name}")
    return 0


def with_section(document: str, text: str) -> str:
    """The document with what stands between the markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{BEGIN} … {END} is not in the document")
    return f"{before}{begin}\n{text}\n{end}{after}"


def section(results: Results) -> str:
    """The table, and under it all that one needs to judge or repeat it, as Markdown."""
    return "\n".join([table(results), "", *_remarks(results)])


def table(results: Results) -> str:
    """A row for each contender at each number of connections, as Markdown that reads well on a terminal, too."""
    rows = [HEADINGS, *_rows(results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    aligned = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    aligned.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(row)} |" for row in aligned)


def _rows(results: Results) -> list[list[str]]:
    ours = results.rounds[0].contender
    return [_row(summary, _ratio_cell(results, ours, summary)) for summary in summaries(results)]


def _row(summary: Summary, compared: str) -> list[str]:
    rate = summary.per_second
    return [
        str(summary.connections),
        summary.contender,
        f"{rate.median:,.0f} ({rate.lowest:,.0f} to {rate.highest:,.0f})",
        f"{summary.p50_ms.median:.1f}",
        f"{summary.p99_ms.median:.1f}",
        compared,
    ]


def _ratio_cell(results: Results, ours: str, summary: Summary) -> str:
    if summary.contender == ours:
        return ""
    compared = ratio(results, ours, summary.contender, summary.connections)
    return _times(compared) if compared else ""


def _times(ratios: Spread) -> str:
    return f"{ratios.median:.2f} ({ratios.lowest:.2f} to {ratios.highest:.2f})"


def _remarks(results: Results) -> list[str]:
    number = max(measured.number for measured in results.rounds)
    rounds = f"{number} {'round' if number == 1 else 'rounds'} of {results.seconds} s"
    return [
        f"- {results.measured_at:%Y-%m-%d %H:%M} UTC, `{results.command}`: {rounds} each",
        f"- {_machine(results)}",
        *(f"- {name}: {_versions(packages)}" for name, packages in results.packages.items()),
        *_packing(results),
        *invalid_rounds(results),
    ]


def _machine(results: Results) -> str:
    machine = results.machine
    hardware = f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib:.0f} GiB"
    servers = f"{results.broker}, PostgreSQL {results.postgresql}"
    software = f"{machine.system}; Python {machine.python}, {servers}"
    return f"{hardware}; {software}; load average before the run {machine.load_average:.2f}"


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())


def _packing(results: Results) -> list[str]:
    """A line on how many orders ShakerQueue packs into one message; the peers put one into each."""
    ours = results.rounds[0].contender
    by_connections: dict[int, list[float]] = {}
    for measured in valid_rounds(results):
        if measured.contender == ours:
            packed = measured.orders_in_queue / measured.messages_in_queue
            by_connections.setdefault(measured.connections, []).append(packed)
    shown = [f"{median(packed):.1f} at {connections}" for connections, packed in by_connections.items()]
    return [f"- orders that {ours} packed into one message, by connections: {', '.join(shown)}"] if shown else []


def invalid_rounds(results: Results) -> list[str]:
    """A line for each round that does not count, and why."""
    return [
        f"- not counted: {measured.contender}, {measured.connections} connections, round {measured.number}: {problem}"
        for measured in results.rounds
        for problem in measured.problems
    ]


if __name__ == "__main__":
    sys.exit(main())
