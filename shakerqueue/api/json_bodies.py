"""JSON as the contract reads it: stricter than Python's reader, which lets through what no two readers agree on."""

import json
from collections.abc import Callable
from functools import wraps
from io import BytesIO
from typing import IO, Any, TypeVar, cast

from flask import Request, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.utils import cached_property

from shakerqueue.api.problems import Problem

MAX_BODY_BYTES = 64 * 1024
MAX_DEPTH = 16

View = TypeVar("View", bound=Callable[..., Any])


def body_limit(max_bytes: int) -> Callable[[View], View]:
    """A limit of this route's own. A body is read where it is first asked for: whoever may not hears that before."""

    def decorate(view: View) -> View:
        @wraps(view)
        def limited(*args: Any, **kwargs: Any) -> Any:
            request.max_content_length = max_bytes
            return view(*args, **kwargs)

        return cast("View", limited)

    return decorate


class StrictJSONProvider(DefaultJSONProvider):
    """Refuses duplicate names, NaN and infinities, deep nesting, NUL, lone surrogates, all but UTF-8: ValueError."""

    sort_keys = False

    def loads(self, s: str | bytes, **_: Any) -> Any:
        try:
            value = json.loads(_text_of(s), object_pairs_hook=_unique_names, parse_constant=_no_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        _check(value, MAX_DEPTH)
        return value


class JSONRequest(Request):
    """A request whose `get_json` fails with a problem that says what is wrong with the body."""

    @cached_property
    def stream(self) -> IO[bytes]:
        """The body. One of unknown length is read as far as the limit: werkzeug would cut it off there in silence."""
        if self.content_length is not None or "Transfer-Encoding" not in self.headers:
            return super().stream
        max_bytes = self.max_content_length or MAX_BODY_BYTES
        body = self.environ["wsgi.input"].read(max_bytes + 1)
        if len(body) > max_bytes:
            raise RequestEntityTooLarge
        return BytesIO(body)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if e is None:
            raise Problem(415, "Send JSON, with the header: Content-Type: application/json.")
        raise Problem(400, f"The body is not JSON as we accept it: {e}.")


def _text_of(body: str | bytes) -> str:
    """RFC 8259: JSON between programs is UTF-8. Python's reader would guess, and take UTF-16 and UTF-32 as well."""
    try:
        return body if isinstance(body, str) else body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None


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
