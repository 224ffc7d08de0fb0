"""Every part of the benchmark runs, with options so small that its figures mean nothing, and its section is whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench import contenders, intake, stack
from bench.report import PARTS
from bench.section import read_section
from dev.debian import ensure_program
from dev.servers import ServerError
from dev.state import CLONE

pytestmark = pytest.mark.nightly

SMALL = {
    "batches": ["--rounds", "1", "--seconds", "1"],
    "request": ["--rounds", "1", "--requests", "20"],
    "drain": ["--rounds", "1", "--orders", "400"],
    "end_to_end": ["--rate", "50", "--seconds", "2"],
    "fan_out": ["--staff=2", "--guests=4", "--rate=20", "--seconds=1", "--rounds=1", "--idle-seconds=0.5"],
    "growth": ["--orders", "2000", "--rounds", "1", "--requests", "5", "--drains", "1", "--backlog", "200"],
    "lean": ["--orders", "400", "--load-seconds", "1", "--quiet-seconds", "1"],
}


@pytest.fixture(autouse=True)
def wrk() -> None:
    """Skips the test where there is no wrk and none can be had, though never where a change is judged by it."""
    try:
        ensure_program("wrk")
    except ServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_yields_its_section(part: str, tmp_path: Path) -> None:
    environment = {**os.environ, "BENCH_FOLDER": str(tmp_path)}
    command = [sys.executable, "-m", f"bench.{part}", *SMALL[part]]
    ran = subprocess.run(command, cwd=CLONE, env=environment, capture_output=True, text=True, check=False)
    assert 0 == ran.returncode, ran.stdout + ran.stderr

    [path] = tmp_path.glob(f"{part}-*.json")
    section = read_section(path)
    assert part == section.part
    assert section.rows
    assert {len(section.headings)} == {len(row) for row in section.rows}
    assert all(chart.bars for chart in section.charts)
    assert section.markdown() in ran.stdout


def test_intake_is_measured_and_counted() -> None:
    """With our own API alone: the peers' packages are no part of the tests."""
    with stack.running([contenders.ours]) as running:
        intake.verify(running)
        [measured] = intake.measure(running, rounds=1, seconds=1, connections=[2])
    assert [] == measured.problems
    assert measured.accepted > 0
