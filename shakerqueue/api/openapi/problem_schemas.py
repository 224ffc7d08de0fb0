"""The form of every error, RFC 9457."""

from marshmallow import fields

from shakerqueue.api.fields import AnswerSchema
from shakerqueue.api.problems import MAX_FIELD_ERRORS


class FieldErrorSchema(AnswerSchema):
    """What is wrong with one field; `field` is its path in the body, such as `items.0.quantity`, or a parameter."""

    field = fields.String()
    code = fields.String()
    detail = fields.String()


class ProblemSchema(AnswerSchema):
    """An error. `code` says which, and stays; `detail` is for people. Some kinds have a member of their own."""

    not_always = frozenset({"allowed", "reason", "reopens_at", "attempts_left"})

    type = fields.String(metadata={"description": "`urn:shakerqueue:problem:` and the code", "format": "uri"})
    title = fields.String()
    status = fields.Integer(metadata={"description": "the status code of the answer"})
    detail = fields.String()
    code = fields.String(metadata={"description": "the kind of error; more kinds may come"})
    request_id = fields.String(metadata={"description": "the answer's `X-Request-Id`"})
    errors = fields.List(
        fields.Nested(FieldErrorSchema),
        metadata={"description": f"the fields that are wrong, the first {MAX_FIELD_ERRORS} of them"},
    )
    allowed = fields.List(fields.String(), metadata={"description": "what is possible now: `invalid_transition`"})
    reason = fields.String(allow_none=True, metadata={"description": "why the bar is closed: `bar_closed`"})
    reopens_at = fields.AwareDateTime(allow_none=True, metadata={"description": "when it reopens: `bar_closed`"})
    attempts_left = fields.Integer(metadata={"description": "`wrong_password`, `wrong_pin`"})
