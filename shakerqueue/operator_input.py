"""What an operator gives to a command, under the rules that hold for whoever asks over HTTP."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from shakerqueue.api.problems import field_errors
from shakerqueue.errors import Unusable


def checked(schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values as the schema loads them.

    Raises:
        Unusable: they break its rules; the text names each field.
    """
    try:
        loaded: dict[str, Any] = schema.load(given)
    except ValidationError as error:
        wrong = [f"{field}: {detail}" for field, _, detail in field_errors({"json": error.messages})]
        raise Unusable("; ".join(wrong)) from error
    return loaded
