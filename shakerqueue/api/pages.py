"""Lists in pages: opaque keyset cursors, so that page 10,000 costs what page 1 costs.

A cursor holds the sort key of the last row that was answered, and the next page begins after it. A list declares
its query parameters as a `PageSchema` with a `Cursor` of its key's types, asks the database for `limit + 1` rows,
and lets `page` make the answer.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from marshmallow import fields, validate

from shakerqueue.api.fields import QueryNumber, StrictSchema

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
MAX_CURSOR_LENGTH = 1024
_VERSION = 1
_MAX_BIGINT = 2**63 - 1
_NO_CURSOR = "This is no cursor of this list; take it from next_cursor."

END_OF_TIME = (datetime.max.replace(tzinfo=UTC), UUID(int=2**128 - 1))  # where a list begins that has the newest first

Row = TypeVar("Row")


class InvalidCursor(ValueError):
    """The text is no cursor that we made for this list."""


def encode_cursor(values: Sequence[Any]) -> str:
    """The values (texts, whole numbers, aware times, UUIDs) as one opaque text that needs no escaping in a URL."""
    packed = json.dumps([_VERSION, *(_plain(value) for value in values)], separators=(",", ":"))
    return urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, types: Sequence[type]) -> tuple[Any, ...]:
    """The values that were encoded, each of its type.

    Raises:
        InvalidCursor: the text was forged, cut, or made for a list with another key.
    """
    try:
        padding = "=" * (-len(cursor) % 4)
        if len(cursor) > MAX_CURSOR_LENGTH:
            raise InvalidCursor(cursor)
        raw = b64decode((cursor + padding).encode("ascii"), altchars=b"-_", validate=True)
        version, *values = json.loads(raw)
        if version != _VERSION:
            raise InvalidCursor(cursor)
        return tuple(_READERS[kind](value) for kind, value in zip(types, values, strict=True))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidCursor(cursor) from error


class Cursor(fields.Field[tuple[Any, ...]]):
    """A query parameter that holds a cursor; loaded as the key's values, of the given types."""

    rules: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]+$",
        "maxLength": MAX_CURSOR_LENGTH,
        "description": "`next_cursor` of the page before",
    }

    def __init__(self, *types: type, **options: Any) -> None:
        super().__init__(load_default=None, error_messages={"invalid": _NO_CURSOR}, **options)
        self._types = types

    def _deserialize(self, value: str, *_: Any, **__: Any) -> tuple[Any, ...]:
        try:
            return decode_cursor(value, self._types)
        except InvalidCursor as error:
            raise self.make_error("invalid") from error


class PageSchema(StrictSchema):
    """What every list takes. A list of its own adds `cursor = Cursor(...)` and its filters."""

    limit = QueryNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))


def page(name: str, rows: Sequence[Row], limit: int, key: Callable[[Row], Sequence[Any]]) -> dict[str, Any]:
    """The answer's body, from up to `limit + 1` rows: the one too many says that there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {name: shown, "next_cursor": encode_cursor(key(shown[-1])) if more else None}


def _plain(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _text(value: Any) -> str:
    """A text that PostgreSQL can store."""
    if type(value) is not str or "\0" in value:
        raise ValueError(value)
    value.encode()  # a lone surrogate raises
    return value


def _whole_number(value: Any) -> int:
    if type(value) is not int or not -_MAX_BIGINT <= value <= _MAX_BIGINT:
        raise ValueError(value)
    return value


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(value)
    return time.astimezone(UTC)


_READERS: dict[type, Callable[[Any], Any]] = {str: _text, int: _whole_number, datetime: _time, UUID: UUID}
