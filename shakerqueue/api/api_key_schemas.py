"""What requests about API keys may hold, and what is answered of a key: the key itself once, when it is made."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import ValidationError, fields, validate, validates_schema

from shakerqueue.api.account_schemas import username_text
from shakerqueue.api.fields import AnswerSchema, BoundedList, Moment, StrictSchema
from shakerqueue.api.pages import Cursor, PageSchema
from shakerqueue.scopes import Scope


def _in_the_future(moment: datetime) -> None:
    if moment <= datetime.now(UTC):
        raise ValidationError("A time in the future.")


class NewApiKeySchema(StrictSchema):
    """Either `integration`, for a new one of this name, or `integration_id`, for another key of one that there is."""

    rules: ClassVar = {"oneOf": [{"required": ["integration"]}, {"required": ["integration_id"]}]}

    integration = username_text()
    integration_id = fields.UUID()
    scopes = BoundedList(fields.Enum(Scope, by_value=True), at_least=1, at_most=len(Scope), required=True)
    expires_at = Moment(load_default=None, allow_none=True, validate=_in_the_future)

    @validates_schema
    def one_integration(self, data: dict[str, Any], **_: Any) -> None:
        if ("integration" in data) == ("integration_id" in data):
            raise ValidationError("Give either integration or integration_id.", "integration")


class IntegrationSchema(AnswerSchema):
    id = fields.UUID()
    name = fields.String()


class ApiKeySchema(AnswerSchema):
    id = fields.UUID()
    integration = fields.Nested(IntegrationSchema)
    prefix = fields.String(metadata={"description": "how the key begins"})
    scopes = fields.List(fields.String(validate=validate.OneOf(list(Scope)), metadata={"open": True}))
    expires_at = fields.AwareDateTime(allow_none=True)
    last_used_at = fields.AwareDateTime(allow_none=True, metadata={"description": "to about a minute"})
    created_by = fields.UUID(allow_none=True, metadata={"description": "null: made on the command line"})
    created_at = fields.AwareDateTime()


class IssuedApiKeySchema(ApiKeySchema):
    key = fields.String(metadata={"description": "the only time that it is shown"})


class ApiKeyListQuerySchema(PageSchema):
    cursor = Cursor(datetime, UUID)


class ApiKeyListSchema(AnswerSchema):
    api_keys = fields.List(fields.Nested(ApiKeySchema))
    next_cursor = fields.String(allow_none=True)
