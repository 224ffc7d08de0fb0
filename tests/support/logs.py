"""What the real processes of a test's bar wrote."""

import json
import re
from typing import Any

from tests.support.bar import Bar

PARTS = ("serve", "consume", "webhooks")
CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")  # all that is neither printable ASCII nor the end of a line


def written(bar: Bar) -> bytes:
    """All of it, as it is."""
    files = [bar.folder / f"{part}.log" for part in PARTS]
    return b"".join(file.read_bytes() for file in files if file.exists())


def log_lines(bar: Bar) -> list[dict[str, Any]]:
    """Each line as the JSON that it has to be.

    Raises:
        AssertionError: one is not, or holds a character that a terminal would obey.
    """
    whole = written(bar)
    assert not (found := CONTROL.findall(whole)), found
    return [_parsed(line) for line in whole.decode().splitlines()]


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.loads(line)
    except ValueError:
        raise AssertionError(f"no line of JSON: {line!r}") from None
    assert {"event", "level", "logger", "timestamp"} <= set(parsed), line
    return parsed
