"""CSV files: as RFC 4180 has them, and harmless in a spreadsheet."""

import csv
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest

from shakerqueue.api.csv_files import csv_response


def table(*rows: dict[str, Any], columns: list[str]) -> list[list[str]]:
    return list(csv.reader(StringIO(csv_response("x.csv", columns, rows).get_data(as_text=True), newline="")))


def test_a_file_says_what_it_is_and_how_it_wants_to_be_called() -> None:
    answer = csv_response("service-2026-11-01-to-2026-11-07.csv", ["recipe"], [])
    assert "text/csv; charset=utf-8" == answer.headers["Content-Type"]
    assert "attachment; filename=service-2026-11-01-to-2026-11-07.csv" == answer.headers["Content-Disposition"]
    assert b"recipe\r\n" == answer.data


def test_lines_end_as_the_rfc_says_and_what_is_special_is_quoted() -> None:
    answer = csv_response("x.csv", ["recipe", "sold"], [{"recipe": 'Piña "Colada", large\r\n', "sold": 3}])
    assert 'recipe,sold\r\n"Piña ""Colada"", large\r\n",3\r\n' == answer.get_data(as_text=True)


def test_values_become_cells() -> None:
    row = {
        "day": date(2026, 11, 1),
        "at": datetime(2026, 11, 1, 4, tzinfo=UTC),
        "wait_seconds": {"p50": 12.5, "p90": None},
        "none": None,
    }
    columns = ["day", "at", "wait_seconds_p50", "wait_seconds_p90", "none", "lacking"]
    assert ["2026-11-01", "2026-11-01T04:00:00+00:00", "12.5", "", "", ""] == table(row, columns=columns)[1]


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_begins_like_a_formula_is_none(beginning: str) -> None:
    formula = f"{beginning}cmd|' /C calc'!A0"
    assert [[f"'{formula}"]] == table({"recipe": formula}, columns=["recipe"])[1:]


def test_numbers_and_other_texts_stay_as_they_are() -> None:
    row = {"count": -1, "share": 0.25, "recipe": "7-Up = Sprite"}
    assert ["-1", "0.25", "7-Up = Sprite"] == table(row, columns=list(row))[1]
