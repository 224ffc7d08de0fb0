"""marshmallow's schemas as JSON Schema, with what our own fields and schemas check."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from shakerqueue.api.fields import AnswerSchema, Either, StrictSchema

WITHOUT_NUL = "^[^\\u0000]*$"  # the one character that our reader of JSON refuses in a text
OWN_FORM = ("pattern", "enum", "format")  # a text that has one of them cannot hold it


class Converter(OpenAPIConverter):
    """apispec's, which knows marshmallow's own fields and validators."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()  # type: ignore[no-untyped-call] # it types no results
        own = [self.field2rules, self.text2pattern, self.open2enum, self.either2one_of]
        self.attribute_functions[-1:-1] = own  # the last one makes it nullable, whatever it is

    def field2rules(self, field: fields.Field[Any], ret: Mapping[str, Any]) -> dict[str, Any]:
        """What a field of our own checks besides its validators, which may be stricter."""
        rules: Mapping[str, Any] = getattr(field, "rules", {})
        return {name: value for name, value in rules.items() if name not in ret}

    def text2pattern(self, field: fields.Field[Any], ret: Mapping[str, Any]) -> dict[str, Any]:
        """Python's patterns as those of JSON Schema (ECMA-262): anchored aloud at both ends."""
        if "pattern" in ret:
            pattern = ret["pattern"].removeprefix("^").removesuffix("$").removesuffix(r"\Z")
            return {"pattern": f"^{pattern}$"}
        is_free_text = ret.get("type") == "string" and not any(name in ret for name in OWN_FORM)
        return {"pattern": WITHOUT_NUL} if is_free_text and isinstance(field.root, StrictSchema) else {}

    def enum2properties(self, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
        """An enumeration, without what a validator takes from it."""
        said: dict[str, Any] = super().enum2properties(field)
        if "enum" not in said:
            return said
        for choices in [each.choices for each in field.validators if isinstance(each, OneOf)]:
            said["enum"] = [value for value in said["enum"] if value is None or value in choices]
        return {"type": "string", **said}

    def either2one_of(self, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
        """A choice of forms."""
        forms = field.schemas if isinstance(field, Either) else ()
        one_of = [self.resolve_nested_schema(form) for form in forms]  # type: ignore[no-untyped-call]
        return {"oneOf": one_of} if one_of else {}

    def open2enum(self, field: fields.Field[Any], ret: dict[str, Any]) -> dict[str, Any]:
        """An enumeration to which values may be added: those of now, without a promise that they are all."""
        if not field.metadata.get("open"):
            return {}
        return {"x-extensible-enum": [value for value in ret.pop("enum") if value is not None]}

    def schema2jsonschema(self, schema: type[Schema] | Schema) -> dict[str, Any]:
        said: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        if (description := type(schema).__dict__.get("__doc__")) is not None:
            said["description"] = cleandoc(description)
        if isinstance(schema, AnswerSchema):
            said["required"] = [name for name in said["properties"] if name not in schema.not_always]
        return {**said, **getattr(schema, "rules", {})}

    def _field2parameter(self, field: fields.Field[Any], *, name: str, location: str) -> dict[str, Any]:
        """A parameter is there or not, and never null."""
        said: dict[str, Any] = super()._field2parameter(field, name=name, location=location)
        schema = said["schema"]
        if isinstance(schema.get("type"), list):
            [schema["type"]] = [name for name in schema["type"] if name != "null"]
        if "enum" in schema:
            schema["enum"] = [value for value in schema["enum"] if value is not None]
        if schema.get("default", ...) is None:
            del schema["default"]
        return said


class SchemaPlugin(MarshmallowPlugin):
    Converter = Converter
