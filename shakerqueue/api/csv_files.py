"""Tables as CSV (RFC 4180), made for people who open them in a spreadsheet."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from io import StringIO
from typing import Any

from flask import Response

# A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV Injection).
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Response:
    """The rows as a file to be saved as `name`, under a header row.

    A value that is a mapping becomes a column for each of its names: `wait_seconds` holds `wait_seconds_p50`. What a
    row lacks, or has as None, is empty.
    """
    text = StringIO(newline="")
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows(_cells(row) for row in rows)
    response = Response(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _cells(row: Row) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}_{part}": _cell(each) for part, each in value.items()}
        else:
            cells[name] = _cell(value)
    return cells


def _cell(value: Any) -> Any:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULA_BEGINNINGS):
        return f"'{value}"
    return value
