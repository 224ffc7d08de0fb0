"""Turns results into tables. `python -m bench.report` puts those of the last runs into docs/performance.md."""

import sys
from pathlib import Path
from statistics import median

from bench.results import Results, Spread, Summary, newest, ratio, read, summaries, valid_rounds
from bench.section import DOCUMENT, circumstances, markdown_table, read_section, with_part

PARTS = ["request", "drain", "fan-out"]  # beside intake, which keeps every round by itself
HEADINGS = ["connections", "", "accepted/s (lowest to highest)", "p50 ms", "p99 ms", "ours to it"]


def main() -> int:
    """Put the newest figures of every part into the document; exit code 1 when there are none."""
    found = {"intake": newest("intake"), **{part: newest(part) for part in PARTS}}
    document = DOCUMENT.read_text("utf-8")
    for part, path in found.items():
        if path is not None:
            document = with_part(document, part, shown(part, path))
            print(f"docs/performance.md shows {path.name}")
    DOCUMENT.write_text(document, "utf-8")
    return 0 if any(found.values()) else 1


def shown(part: str, path: Path) -> str:
    """What a part's file says, as Markdown."""
    return section(read(path)) if part == "intake" else read_section(path).markdown()


def section(results: Results) -> str:
    """The table, and under it all that one needs to judge or repeat it, as Markdown."""
    return "\n".join([table(results), "", *_remarks(results)])


def table(results: Results) -> str:
    """A row for each contender at each number of connections."""
    return markdown_table(HEADINGS, _rows(results))


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
        circumstances(results.machine, results.servers),
        *(f"- {name}: {_versions(packages)}" for name, packages in results.packages.items()),
        *_packing(results),
        *invalid_rounds(results),
    ]


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
