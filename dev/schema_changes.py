"""Two JSON Schemas of one thing, before and after, without references: whether what relied on the first still works.

What is sent may be bound less, never more; what is answered may say more, never less.
"""

from collections.abc import Iterator, Mapping
from typing import Any

JSONSchema = Mapping[str, Any]
Changes = Iterator[str]

ALL_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
# Whether another one of these is stricter cannot be told: so none may come, and none may become another.
CONDITIONS = ("pattern", "format", "uniqueItems", "const", "not", "if", "then", "else", "x-minimum", "x-maximum")


def request_changes(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    """What was good to send, and may be refused now. Of several alternatives the one that differs least counts."""
    for one in _alternatives(old):
        yield from min((list(_narrowed(name, one, other)) for other in _alternatives(new)), key=len)


def default_changes(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    """What it means to leave out what need not be given. Without a default it is null."""
    if old.get("default") != new.get("default"):
        yield f"{name}: default is {new.get('default')} now"


def answer_changes(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    """What could be read, and may be missing or of another form now."""
    for other in _alternatives(new):
        yield from min((list(_loosened(name, one, other)) for one in _alternatives(old)), key=len)


def _alternatives(schema: JSONSchema) -> list[JSONSchema]:
    found: list[JSONSchema] = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return found


def _narrowed(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    lost = _types(old) - _types(new)
    if lost:
        yield f"{name}: {', '.join(sorted(lost))} is taken no more"
    yield from _narrowed_values(name, old, new)
    yield from _narrowed_bounds(name, old, new)
    for keyword in CONDITIONS:
        if keyword in new and new[keyword] != old.get(keyword):
            yield f"{name}: has another {keyword}"
    yield from _narrowed_members(name, old, new)


def _narrowed_values(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    if "enum" in new:
        lost = [value for value in old.get("enum", ["any other"]) if value not in new["enum"]]
        if lost:
            yield f"{name}: {', '.join(map(str, lost))} is taken no more"


def _narrowed_bounds(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    for keyword in LOWER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            yield f"{name}: {keyword} is {new[keyword]} now"
    for keyword in UPPER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield f"{name}: {keyword} is {new[keyword]} now"


def _narrowed_members(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    before, after = old.get("properties", {}), new.get("properties", {})
    for member in before:
        if member not in after:
            yield f"{name}.{member} is taken no more"
            continue
        yield from request_changes(f"{name}.{member}", before[member], after[member])
        if member not in old.get("required", []):
            yield from default_changes(f"{name}.{member}", before[member], after[member])
    for member in set(new.get("required", [])) - set(old.get("required", [])):
        yield f"{name}.{member} is needed now"
    if new.get("additionalProperties") is False and old.get("additionalProperties") is not False:
        yield f"{name}: members that it does not name are taken no more"
    if "items" in new and "array" in _types(old):
        yield from request_changes(f"{name}[]", old.get("items", {}), new["items"])


def _loosened(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    strange = _types(new) - _types(old)
    if strange:
        yield f"{name}: may be {', '.join(sorted(strange))} now"
    if "enum" in old:
        unknown = [value for value in new.get("enum", ["any other"]) if value not in old["enum"]]
        if unknown:
            yield f"{name}: may be {', '.join(map(str, unknown))} now"
    if "format" in old and new.get("format") != old["format"]:
        yield f"{name}: format {old['format']} is {new.get('format')} now"
    yield from _loosened_members(name, old, new)


def _loosened_members(name: str, old: JSONSchema, new: JSONSchema) -> Changes:
    before, after = old.get("properties", {}), new.get("properties", {})
    always = set(new.get("required", []))
    for member in before:
        if member not in after:
            yield f"{name}.{member} is gone"
            continue
        if member in old.get("required", []) and member not in always:
            yield f"{name}.{member} is not always there any more"
        yield from answer_changes(f"{name}.{member}", before[member], after[member])
    if "items" in old and "array" in _types(new):
        yield from answer_changes(f"{name}[]", old["items"], new.get("items", {}))


def _types(schema: JSONSchema) -> frozenset[str]:
    """Every type that a value may have; an integer is a number, too."""
    said = schema.get("type", ALL_TYPES)
    found = frozenset([said] if isinstance(said, str) else said)
    return found | {"integer"} if "number" in found else found
