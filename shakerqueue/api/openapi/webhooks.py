"""The messages of webhooks as the document tells of them: requests that we send and receivers answer."""

from collections.abc import Iterable, Iterator
from typing import Any

from flask_smorest import Api
from marshmallow.validate import OneOf

from shakerqueue.api.openapi.headers import taken
from shakerqueue.api.webhook_message_schemas import MESSAGES, MessageSchema

HEADERS = ["webhook-id", "webhook-timestamp", "webhook-signature"]
ANSWERS = {
    "2XX": {"description": "Taken. What the body says does not matter; it should come within 15 seconds."},
    "410": {"description": "Gone: the webhook is disabled, and nothing more is sent to it."},
    "default": {"description": "Not taken: the message is sent again, with the same id and body, for three days."},
}


def describe_webhooks(api: Api, tag: str) -> dict[str, Any]:
    """What we send, by the type of the message."""
    converter = api.ma_plugin.converter
    return {
        kind: _path(kind, converter.resolve_nested_schema(schema), tag) for schema in MESSAGES for kind in kinds(schema)
    }


def kinds(schema: type[MessageSchema]) -> Iterator[str]:
    """The types of message that have this form."""
    for validator in schema().fields["type"].validators:
        if isinstance(validator, OneOf):
            yield from _texts(validator.choices)


def _texts(choices: Iterable[Any]) -> Iterator[str]:
    return (str(choice) for choice in choices)


def _path(kind: str, schema: dict[str, Any], tag: str) -> dict[str, Any]:
    said = {
        "operationId": f"on_{kind.replace('.', '_')}",
        "summary": kind,
        "description": "Signed by the specification of Standard Webhooks; every attempt anew, under the same id.",
        "tags": [tag],
        "security": [],
        "parameters": taken(HEADERS),
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "responses": ANSWERS,
    }
    return {"post": said}
