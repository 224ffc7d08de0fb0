"""One part of the benchmark as it is shown and kept: a table, and all that one needs to judge or repeat it."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.charts import Chart
from bench.results import FOLDER, Machine
from dev.state import CLONE

DOCUMENT = CLONE / "docs" / "performance.md"


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What a part found. `problems` are why its figures must not count."""

    servers: str  # their versions
    headings: list[str]
    rows: list[list[str]]
    remarks: list[str] = []
    problems: list[str] = []
    charts: list[Chart] = []


class Section(Findings, frozen=True, kw_only=True):
    """The same, with where it comes from."""

    part: str  # its name on the command line, and in the document's markers
    command: str
    machine: Machine
    measured_at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))

    def markdown(self) -> str:
        """The table, and under it the circumstances."""
        lines = [
            f"- {self.measured_at:%Y-%m-%d %H:%M} UTC, `{self.command}`",
            circumstances(self.machine, self.servers),
            *(f"- {remark}" for remark in self.remarks),
            *(f"- not counted: {problem}" for problem in self.problems),
        ]
        return "\n".join([markdown_table(self.headings, self.rows), "", *lines])

    def keep(self) -> Path:
        """Write it to .local/bench/, where `bench.report` finds it; the path."""
        FOLDER.parent.mkdir(mode=0o700, exist_ok=True)
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{self.part}-{self.measured_at:%Y-%m-%d-%H%M%S}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=2))
        return path


def circumstances(machine: Machine, servers: str) -> str:
    """A line about what it was measured on, and what else went on there."""
    return f"- {machine.told}, {servers}; load average before the run {machine.load_average:.2f}"


def read_section(path: Path) -> Section:
    """A section that was kept."""
    return msgspec.json.decode(path.read_bytes(), type=Section)


def markdown_table(headings: list[str], rows: list[list[str]]) -> str:
    """A table that reads well on a terminal, too."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    aligned = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    aligned.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in aligned)


def with_part(document: str, part: str, text: str) -> str:
    """The document with what stands between the part's markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    return with_section(document, text, f"<!-- {part}: written by python -m bench.report -->", f"<!-- /{part} -->")


def with_section(document: str, text: str, begin: str, end: str) -> str:
    """The document with what stands between two markers replaced.

    Raises:
        ValueError: a marker is missing.
    """
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{begin} … {end} is not in the document")
    return f"{before}{begin}\n{text}\n{end}{after}"
