"""What requests about tables may hold, and what is answered of a table."""

from marshmallow import fields, validate

from shakerqueue.api.fields import AnswerSchema, BoundedList, Moment, StrictSchema, label

MAX_LABEL_LENGTH = 40
MAX_LABELS = 200
MAX_LINK_LENGTH = 200


class CodeQuerySchema(StrictSchema):
    """A page that is open shows a picture of the same address again, whatever its headers say."""

    made_at = Moment(metadata={"description": "`link_made_at`: another address for another code"})


class NewTablesSchema(StrictSchema):
    labels = BoundedList(label(MAX_LABEL_LENGTH), at_least=1, at_most=MAX_LABELS, required=True)


class TableSchema(AnswerSchema):
    id = fields.UUID()
    label = fields.String()
    link = fields.String(metadata={"description": "the address that the table's code stands for"})
    link_made_at = fields.AwareDateTime()
    created_at = fields.AwareDateTime()


class TableListSchema(AnswerSchema):
    tables = fields.List(fields.Nested(TableSchema))


class TableLinkSchema(StrictSchema):
    """What a page that was opened by a table's code has of it: the last part of its own address."""

    link = fields.String(required=True, validate=validate.Length(1, MAX_LINK_LENGTH))
