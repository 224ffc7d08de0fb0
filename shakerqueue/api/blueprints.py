"""flask-smorest's blueprint, typed, and reading bodies the strict way."""

from collections.abc import Callable
from typing import Any, TypeVar

import flask_smorest
from flask import Request
from marshmallow import Schema
from webargs.flaskparser import FlaskParser

View = TypeVar("View", bound=Callable[..., Any])


class StrictParser(FlaskParser):
    """webargs has a JSON reader of its own; ours is stricter, and each body is read once."""

    def load_json(self, req: Request, schema: Any) -> Any:
        if schema.body_is_optional and not req.content_length and "Transfer-Encoding" not in req.headers:
            return {}
        return req.get_json()


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # it ships no types
    ARGUMENTS_PARSER = StrictParser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register the view under a path; the other decorators stand below this one."""
        decorator: Callable[[View], View] = super().route(rule, **options)
        return decorator

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Check the body (or, with `location`, something else) and hand it to the view as its first argument."""
        # An instance: from a class webargs would make, and deep-copy, a schema for each request.
        decorator: Callable[[Callable[..., Any]], Callable[..., Any]] = super().arguments(schema(), **options)
        return decorator

    def response(self, status: int, schema: type[Schema] | None = None, **options: Any) -> Callable[[View], View]:
        """Say what a good answer is; what the view returns is brought to that form, unless it is a Response."""
        decorator: Callable[[View], View] = super().response(status, schema, **options)
        return decorator
