"""What the last `make security` gave, for docs/security.md: `python -m tests.security.report` writes it."""

import sys

from bench.machine import this_machine
from bench.section import with_section
from dev.state import CLONE
from tests.chaos.results import product_digest
from tests.security import outcomes
from tests.security.checks import CHECKS
from tests.security.outcomes import Case, Run, counted

DOCUMENT = CLONE / "docs" / "security.md"
BEGIN, END = "<!-- checks: written by python -m tests.security.report -->", "<!-- /checks -->"
HEADINGS = ["number", "what holds", "tests", "outcome"]


def main() -> int:
    """Rewrite the document's table; exit code 1 when there is nothing to put there."""
    run = outcomes.read()
    if run is None:
        print("Nothing was checked yet: run `make security`", file=sys.stderr)
        return 1
    DOCUMENT.write_text(with_section(DOCUMENT.read_text("utf-8"), section(run), BEGIN, END), "utf-8")
    print(f"docs/security.md now shows the run of {run.began_at:%Y-%m-%d}: {counted(run.cases)}")
    return 0


def section(run: Run) -> str:
    """The table, and under it what it was run on."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(_cells(number, run.of(number)) for number in CHECKS)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    sources = f"sources {product_digest()}; {this_machine().told}"
    return f"{table}\n\n- {run.began_at:%Y-%m-%d}, `make security`: {counted(run.cases)}\n- {sources}"


def _cells(number: int, cases: list[Case]) -> list[str]:
    figures = [figure for case in cases for figure in case.figures]
    return [str(number), CHECKS[number], _tests(cases), "; ".join([counted(cases), *figures])]


def _tests(cases: list[Case]) -> str:
    """The files, each with the names of its tests but for what all begin with."""
    by_file: dict[str, dict[str, None]] = {}
    for case in cases:
        by_file.setdefault(case.file, {})[case.says] = None
    return "<br>".join(f"`{file}`: {', '.join(sorted(names))}" for file, names in sorted(by_file.items()))


if __name__ == "__main__":
    sys.exit(main())
