"""The report says what the rows gave, and hides neither a failure nor a row that is not finished."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.results import Machine
from bench.section import with_section
from tests.chaos import results
from tests.chaos.__main__ import UnknownRow, chosen_rows, passed
from tests.chaos.report import BEGIN, END, section
from tests.chaos.results import RowResult, SliceResult, path_of, with_slice

MACHINE = Machine(cpu="A CPU", cores=2, memory_gib=3.8, system="A system", python="3.11.2", load_average=0.1)


def slice_of(*problems: str, lost: int = 0) -> SliceResult:
    return SliceResult(
        ended_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        seconds=20.0,
        faults=2,
        orders_ok=998,
        orders_refused=0,
        orders_unknown=2,
        requests=1010,
        requests_ok=1000,
        lost=lost,
        duplicated=0,
        invented=0,
        slowest_seconds=2.5,
        p99_seconds=0.5,
        witnesses={"kills of the broker": 2},
        figures={},
        problems=list(problems),
    )


def result_of(*slices: SliceResult, wanted: int = 2) -> RowResult:
    return RowResult(row="5", product="0123abcd", machine=MACHINE, slices_wanted=wanted, slices=list(slices))


def test_slices_are_added_up() -> None:
    text = section([result_of(slice_of(), slice_of())])

    assert "| 4 | 1,996 / 4 / 0 | 0 / 0 / 0 | 99.01% of 2,020 | 0.50 s, 2.50 s | 4 kills of the broker |" in text
    assert "0.15%, 52.7% | 2026-01-02, 0123ab |" in text


def test_a_failed_row_says_so_and_bounds_nothing() -> None:
    text = section([result_of(slice_of("lost: order m1 was accepted as o1", lost=1), wanted=1)])

    assert "1 / 0 / 0 **failed**" in text
    assert "|  | 2026-01-02, 0123ab |" in text
    assert "- row 5, slice 1: lost: order m1 was accepted as o1" in text


def test_a_row_that_is_not_finished_says_how_far_it_came() -> None:
    assert "| 2 of 10 |" in section([result_of(slice_of())])


def test_only_what_stands_between_the_markers_is_replaced() -> None:
    assert f"a\n{BEGIN}\nnew\n{END}\nb" == with_section(f"a\n{BEGIN}\nold\n{END}\nb", "new", BEGIN, END)
    with pytest.raises(ValueError, match="is not in the document"):
        with_section("nothing", "new", BEGIN, END)


def test_a_row_passes_when_all_its_slices_did() -> None:
    assert not passed(None)
    assert not passed(result_of(slice_of()))
    assert passed(with_slice(result_of(slice_of()), slice_of()))
    assert not passed(result_of(slice_of(), slice_of("not drained")))


def test_rows_are_chosen_by_number() -> None:
    assert ["5", "14a", "14b", "14c"] == [row.number for row in chosen_rows({"ROW": "14, 5"})]
    assert ["14b"] == [row.number for row in chosen_rows({"ROW": "14b"})]
    with pytest.raises(UnknownRow, match="there is no row 99"):
        chosen_rows({"ROW": "99"})


def test_a_result_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    assert results.read("5") is None
    results.write(result_of(slice_of()))
    assert result_of(slice_of()) == results.read("5")


def test_results_sort_by_row() -> None:
    assert ["row-05.json", "row-14a.json"] == [path_of(number).name for number in ("5", "14a")]
