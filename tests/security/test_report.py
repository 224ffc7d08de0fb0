"""docs/security.md holds what a run really gave, and has a line and a test for every number."""

import re
from pathlib import Path

from dev.state import CLONE
from tests.security import outcomes
from tests.security.checks import CHECKS
from tests.security.report import BEGIN, DOCUMENT, END, section

NUMBERS = range(1, 23)

JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="pytest" timestamp="2026-11-23T12:00:00.5+00:00">
<testcase classname="a" name="test_sec_01_a_thing_holds[none]" file="tests/security/test_sec_01_a.py" time="0.1" />
<testcase classname="a" name="test_sec_01_a_thing_holds[RS256]" file="tests/security/test_sec_01_a.py" time="0.1">
  <failure message="it did not">…</failure></testcase>
<testcase classname="b" name="test_sec_08_times" file="tests/security/test_sec_08_b.py" time="9">
  <properties><property name="figures" value="medians: 231 ms" /></properties></testcase>
<testcase classname="c" name="test_of_no_number" file="tests/security/test_c.py" time="0.1" />
</testsuite></testsuites>
"""


def rows(text: str) -> dict[int, list[str]]:
    """The cells of the table, by number."""
    lines = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {int(first): rest for first, *rest in cells}


def test_a_number_tells_its_tests_how_they_ended_and_what_they_measured(tmp_path: Path) -> None:
    (tmp_path / "last.xml").write_text(JUNIT)
    run = outcomes.read(tmp_path / "last.xml")
    assert run is not None
    found = rows(section(run))
    assert [CHECKS[1], "`tests/security/test_sec_01_a.py`: a_thing_holds", "1 passed, 1 failure"] == found[1]
    assert "1 passed; medians: 231 ms" == found[8][-1]
    assert ["", "not run"] == found[2][1:]
    assert "- 2026-11-23, `make security`: 2 passed, 1 failure" in section(run)


def test_without_a_run_there_is_nothing(tmp_path: Path) -> None:
    assert outcomes.read(tmp_path / "last.xml") is None


def test_every_number_has_a_test_and_a_line_in_the_document() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (CLONE / "tests").rglob("test_*.py"))
    tested = {int(number) for number in re.findall(r"^(?:async )?def test_sec_(\d\d)_", sources, re.MULTILINE)}
    assert set(NUMBERS) == tested
    assert set(NUMBERS) == set(CHECKS)
    document = DOCUMENT.read_text("utf-8")
    table = document.partition(BEGIN)[2].partition(END)[0]
    assert set(NUMBERS) == set(rows(table))
    assert [CHECKS[number] for number in NUMBERS] == [rows(table)[number][0] for number in NUMBERS]


def test_the_document_shows_no_failure_and_names_tests_that_there_are() -> None:
    table = DOCUMENT.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert not re.search(r"\d (failure|error)", table)
    for _, tests, _ in rows(table).values():
        for file in re.findall(r"`(\S+\.py)`", tests):
            assert (CLONE / file).exists(), file
