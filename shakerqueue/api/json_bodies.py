"""JSON as the contract reads it: stricter than Python's reader, which lets through what no two readers agree on."""

import json
from typing import Any

from flask import Request
from flask.json.provider import DefaultJSONProvider

from shakerqueue.api.problems import Problem

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 16


class StrictJSONProvider(DefaultJSONProvider):
    """Refuses duplicate names, NaN and infinities, deep nesting, NUL and lone surrogates, with a ValueError."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        try:
            value = json.loads(s, object_pairs_hook=_unique_names, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        _check(value, MAX_DEPTH)
        return value


class JSONRequest(Request):
    """A request whose `get_json` fails with a problem that says what is wrong with the body."""

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if e is None:
            raise Problem(415, "Send JSON, with the header: Content-Type: application/json.")
        raise Problem(400, f"The body is not JSON as we accept it: {e}.")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("the same name twice in one object")
    return names


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, depth_left: int) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict | list):
        if depth_left == 0:
            raise ValueError(f"nested more than {MAX_DEPTH} deep")
        children = value if isinstance(value, list) else [*value.keys(), *value.values()]
        for child in children:
            _check(child, depth_left - 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise ValueError("a text holds the character NUL, which cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds half of a surrogate pair") from None
