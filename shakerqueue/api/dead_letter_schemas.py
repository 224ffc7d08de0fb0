"""What requests about dead letters may hold, and what is answered of one."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields, validate

from shakerqueue.api.fields import (
    AnswerSchema,
    BoundedList,
    Moment,
    QueryNumber,
    StrictSchema,
    WholeNumber,
    YesOrNo,
    text,
)

MAX_LETTERS = 200
DEFAULT_LETTERS = 50
MAX_LENGTH = 1000

_CHOICES = ("ids", "reason", "failed_after", "failed_before")
_AT_MOST = validate.Range(min=1, max=MAX_LETTERS)


class DeadLetterFilterSchema(StrictSchema):
    """Which letters: all that fit everything that is given."""

    limit = QueryNumber(load_default=DEFAULT_LETTERS, validate=_AT_MOST)
    reason = text(MAX_LENGTH, load_default=None)
    failed_after = Moment(load_default=None)
    failed_before = Moment(load_default=None)


class DeadLetterChoiceSchema(StrictSchema):
    """Which letters to work off, at most `limit` of them in one request; `all` has to be said aloud."""

    ids = BoundedList(text(MAX_LENGTH), at_least=1, at_most=MAX_LETTERS, load_default=None)
    reason = text(MAX_LENGTH, load_default=None)
    failed_after = Moment(load_default=None)
    failed_before = Moment(load_default=None)
    all = YesOrNo(load_default=False)
    limit = WholeNumber(load_default=DEFAULT_LETTERS, validate=_AT_MOST)
    dry_run = YesOrNo(load_default=False)

    rules: ClassVar[Mapping[str, Any]] = {
        "if": {"required": ["all"], "properties": {"all": {"const": True}}},
        "then": {"properties": {name: {"type": "null"} for name in _CHOICES}},
        "else": {"anyOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in _CHOICES]},
    }


class DeadLetterSchema(AnswerSchema):
    id = fields.String()
    reason = fields.String()
    attempts = fields.Integer()
    first_failed_at = fields.AwareDateTime()
    failed_at = fields.AwareDateTime()
    size_bytes = fields.Integer()
    order_ids = fields.List(fields.UUID())


class DeadLetterBodySchema(DeadLetterSchema):
    body = fields.String()


class DeadLetterListSchema(AnswerSchema):
    dead_letters = fields.List(fields.Nested(DeadLetterSchema))
    more = fields.Boolean()


class DeadLettersDoneSchema(AnswerSchema):
    dead_letters = fields.List(fields.Nested(DeadLetterSchema))
    more = fields.Boolean(metadata={"description": "there was no time for all"})
    dry_run = fields.Boolean()


class DeadLettersDiscardedSchema(DeadLettersDoneSchema):
    failed_order_ids = fields.List(fields.UUID())
