"""What is answered of this process's health."""

from marshmallow import fields, validate

from shakerqueue.api.fields import AnswerSchema


class LivenessSchema(AnswerSchema):
    status = fields.String(validate=validate.OneOf(["ok"]))


class ReadinessSchema(AnswerSchema):
    """`ready`: all is well; `degraded`: orders are taken, but not all is well; `not_ready`: they are not."""

    status = fields.String(validate=validate.OneOf(["ready", "degraded", "not_ready"]))
    intake = fields.Boolean(metadata={"description": "whether orders are taken"})
    parts = fields.Dict(
        values=fields.String(), metadata={"description": "each part by name: `ok`, or what is wrong with it"}
    )
