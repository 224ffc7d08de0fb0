"""Cursors: what was encoded comes back, and what was not is refused."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shakerqueue.api.pages import InvalidCursor, decode_cursor, encode_cursor, page

KEY = (datetime(2026, 2, 3, 4, 5, 6, 789, UTC), UUID(int=7), 12, "Piña Colada")
TYPES = (datetime, UUID, int, str)


def packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_cursor_gives_back_its_key() -> None:
    assert KEY == decode_cursor(encode_cursor(KEY), TYPES)


def test_a_cursor_needs_no_escaping() -> None:
    assert encode_cursor(["??>>~~ü"]).replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "ü",
        "%00",
        ".".join(encode_cursor(KEY)),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 12, "x"])[:-5],
        packed({"a": 1}),
        packed(1),
        packed(None),
        packed([]),
        packed([2, KEY[0].isoformat(), str(KEY[1]), 12, "x"]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 12]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 12, "x", "y"]),
        packed([1, "2026-02-03T04:05:06", str(KEY[1]), 12, "x"]),
        packed([1, "9999-12-31T23:59:59-05:00", str(KEY[1]), 12, "x"]),
        packed([1, 7, str(KEY[1]), 12, "x"]),
        packed([1, KEY[0].isoformat(), "no uuid", 12, "x"]),
        packed([1, KEY[0].isoformat(), ["no uuid"], 12, "x"]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 2**63, "x"]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), True, "x"]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 12, "nul\0"]),
        packed([1, KEY[0].isoformat(), str(KEY[1]), 12, "half \ud83c"]),
        base64.urlsafe_b64encode(b"[" * 900).decode(),
    ],
)
def test_a_forged_cursor_is_refused(forged: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(forged, TYPES)


@pytest.mark.parametrize(("count", "shown", "more"), [(0, 0, False), (1, 1, False), (2, 2, False), (3, 2, True)])
def test_a_page_tells_whether_there_is_another(count: int, shown: int, more: bool) -> None:
    answer = page("numbers", list(range(count)), 2, lambda number: [number])

    assert list(range(shown)) == answer["numbers"]
    assert (encode_cursor([1]) if more else None) == answer["next_cursor"]
