"""Fields that are stricter than marshmallow's own, or that several schemas share."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from marshmallow import EXCLUDE, RAISE, Schema, fields, validate

MAX_NOTE_LENGTH = 500
MAX_NAME_LENGTH = 100
MAX_REASON_LENGTH = 200
MAX_KEY_LENGTH = 255
MAX_DIGITS = 18  # whatever has no more of them fits a bigint


class StrictSchema(Schema):
    """What is sent to us. An unknown field is an error: a misspelt field is never ignored."""

    body_is_optional = False
    rules: ClassVar[Mapping[str, Any]] = {}  # what `validates_schema` checks, as JSON Schema

    class Meta:
        unknown = RAISE


class AnswerSchema(Schema):
    """What we answer. All members are always there, unless `not_always` names them; others may come in time."""

    not_always: ClassVar[frozenset[str]] = frozenset()

    class Meta:
        unknown = EXCLUDE


class WholeNumber(fields.Integer):
    """A number without a fraction, as JSON Schema sees it: 1.0 is one; true and "1" are none."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int and not (type(value) is float and value.is_integer()):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


def is_whole_number(given: str) -> bool:
    """Digits and nothing else, where int() would also take " 1_0" or "٣"; and no more of them than a bigint has."""
    return given.isascii() and given.isdigit() and len(given) <= MAX_DIGITS


class QueryNumber(fields.Integer):
    """A whole number in a query string."""

    rules: ClassVar[Mapping[str, Any]] = {"minimum": 0, "maximum": 10**MAX_DIGITS - 1}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not is_whole_number(value):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class YesOrNo(fields.Boolean):
    """true or false; "yes", 1 and their kind are neither."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if type(value) is not bool:
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Moment(fields.AwareDateTime):
    """A time with an offset, loaded as UTC: near the ends of the calendar there may be none, and none can be stored."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> datetime:
        given = super()._deserialize(value, attr, data, **kwargs)
        try:
            return given.astimezone(UTC)
        except OverflowError:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE) from None


class BoundedList(fields.List[Any]):
    """A list of a limited length. One of another length is refused before any of what it holds is looked at.

    With `validate.Length` marshmallow would first load every element, and make an error of each that is wrong: a small
    body could cost seconds, and be answered with megabytes.
    """

    def __init__(self, inner: fields.Field[Any], *, at_most: int, at_least: int = 0, **options: Any) -> None:
        super().__init__(inner, **options)
        self.rules = {**({"minItems": at_least} if at_least else {}), "maxItems": at_most}
        self._check_length = validate.Length(min=at_least, max=at_most)

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list):
            self._check_length(value)
        return super()._deserialize(value, *args, **kwargs)


class Either(fields.Field[Any]):
    """An object of one of several forms, answered as it is."""

    def __init__(self, *schemas: type[AnswerSchema], **options: Any) -> None:
        super().__init__(**options)
        self.schemas = schemas


def text(at_most: int, **options: Any) -> fields.String:
    """A text of 1 to `at_most` characters."""
    return fields.String(validate=validate.Length(min=1, max=at_most), **options)


# ASCII, and no blanks at its ends: whatever else a header holds, clients and servers do not read alike, and a key that
# came in a header must be the same one in a body.
IDEMPOTENCY_KEY = re.compile(rf"^[!-~]([ -~]{{0,{MAX_KEY_LENGTH - 2}}}[!-~])?\Z")
KEY_RULE = f"1 to {MAX_KEY_LENGTH} printable ASCII characters, no blanks around them."


def is_idempotency_key(given: str) -> bool:
    return IDEMPOTENCY_KEY.match(given) is not None


def idempotency_key() -> fields.String:
    """A client's key for an order, which it must give."""
    return fields.String(required=True, validate=validate.Regexp(IDEMPOTENCY_KEY, error=KEY_RULE))


def label(at_most: int, **options: Any) -> fields.String:
    """A text of 1 to `at_most` characters that stands on one line and neither begins nor ends with a blank."""
    one_line = validate.Regexp(
        r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029]*(?<!\s)\Z", error="One line, no blanks around it."
    )
    return fields.String(validate=[validate.Length(min=1, max=at_most), one_line], **options)
