"""Results as tables and charts. `python -m bench.report` puts those of the last runs into docs/performance.md."""

import sys
from pathlib import Path
from statistics import median

from bench.charts import Bar, Chart, draw
from bench.figures import Spread
from bench.results import Results, Summary, newest, ratio, read, summaries, valid_rounds
from bench.section import DOCUMENT, circumstances, markdown_table, read_section, with_part

INTAKE = ["intake", "keys"]  # kept round by round
PARTS = ["batches", "request", "drain", "end_to_end", "fan_out", "growth", "lean"]
CHARTS = DOCUMENT.with_suffix("")  # the folder of the document's charts
HEADINGS = ["connections", "", "accepted/s (lowest to highest)", "p50 ms", "p99 ms", "ours to it"]


def main() -> int:
    """Put the newest figures of every part into the document; exit code 1 when there are none."""
    found = {part: path for part in [*INTAKE, *PARTS] if (path := newest(part))}
    document = DOCUMENT.read_text("utf-8")
    for part, path in found.items():
        text, drawn = shown(part, path)
        draw(drawn, CHARTS)
        document = with_part(document, part, "\n\n".join([text, *map(image, drawn)]))
        print(f"docs/performance.md shows {path.name}")
    DOCUMENT.write_text(document, "utf-8")
    return 0 if found else 1


def shown(part: str, path: Path) -> tuple[str, list[Chart]]:
    """What a part's file says, as Markdown, and its charts."""
    if part in INTAKE:
        results = read(path)
        return section(results), charts(results)
    found = read_section(path)
    return found.markdown(), found.charts


def image(chart: Chart) -> str:
    """A chart in the document."""
    return f"![{chart.alternative}]({CHARTS.name}/{chart.file})"


def charts(results: Results) -> list[Chart]:
    """Orders per second, and the slowest answers, by connections."""
    found = summaries(results)
    orders = "Orders with keys" if results.with_keys else "Orders"
    return [
        Chart(
            name=results.part,
            title=f"{orders} accepted, median and spread of the rounds",
            groups="connections",
            axis="accepted orders/s",
            bars=[Bar(str(one.connections), one.contender, one.per_second) for one in found],
        ),
        Chart(
            name=f"{results.part}-p99",
            title=f"{orders}: 99 of 100 answers came within, median and spread of the rounds",
            groups="connections",
            axis="p99, ms",
            bars=[Bar(str(one.connections), one.contender, one.p99_ms) for one in found],
        ),
    ]


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
    return [
        str(summary.connections),
        summary.contender,
        summary.per_second.told,
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
