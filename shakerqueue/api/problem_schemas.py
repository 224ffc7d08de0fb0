"""What an error looks like (RFC 9457), for answers that hold some."""

from marshmallow import fields

from shakerqueue.api.fields import StrictSchema


class FieldErrorSchema(StrictSchema):
    field = fields.String()
    code = fields.String()
    detail = fields.String()


class ProblemSchema(StrictSchema):
    """Some codes have members of their own beside these."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    code = fields.String()
    request_id = fields.String()
    errors = fields.List(fields.Nested(FieldErrorSchema))
