"""flask-smorest's blueprint, typed, and reading bodies and query strings the strict way."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import flask_smorest
from flask import Request
from marshmallow import RAISE, Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser

from shakerqueue.api.openapi.headers import answered_with

View = TypeVar("View", bound=Callable[..., Any])
QUERY_ATTRIBUTE = "shakerqueue_takes_query"


class StrictParser(FlaskParser):
    """webargs has a JSON reader of its own; ours is stricter, and each body is read once.

    Nor does it let through a query parameter that the schema does not know: a misspelt filter is never ignored.
    """

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - webargs declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def load_json(self, req: Request, schema: Any) -> Any:
        if schema.body_is_optional and not req.content_length and "Transfer-Encoding" not in req.headers:
            return {}
        return req.get_json()

    def load_querystring(self, req: Request, schema: Any) -> Any:
        for name, values in req.args.lists():
            if len(values) > 1 and not isinstance(schema.fields.get(name), fields.List):
                raise ValidationError({name: ["Given more than once."]})
            if any("\0" in value for value in values):  # as in a body: it cannot be stored, so nothing has it
                raise ValidationError({name: ["Holds the character NUL."]})
        return super().load_querystring(req, schema)


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # it ships no types
    ARGUMENTS_PARSER = StrictParser()

    def route(self, rule: str, **options: Any) -> Callable[[View], View]:
        """Register the view under a path; the other decorators stand below this one."""
        decorator: Callable[[View], View] = super().route(rule, **options)
        return decorator

    def arguments(self, schema: type[Schema], **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Check the body (or, with `location`, something else) and hand it to the view as its first argument."""
        # An instance: from a class webargs would make, and deep-copy, a schema for each request.
        made = schema()
        options.setdefault("required", not getattr(made, "body_is_optional", False))
        decorator: Callable[[Callable[..., Any]], Callable[..., Any]] = super().arguments(made, **options)
        return _takes_query(decorator) if options.get("location") == "query" else decorator

    def response(
        self,
        status: int,
        schema: type[Schema] | dict[str, Any] | None = None,
        *,
        headers: Iterable[str] = (),
        **options: Any,
    ) -> Callable[[View], View]:
        """Say what a good answer is; what the view returns is brought to that form, unless it is a Response."""
        said = {**options, "headers": answered_with(headers)}
        decorator: Callable[[View], View] = super().response(status, schema, **said)
        return decorator

    def alt_response(self, status: int, **options: Any) -> Callable[[View], View]:
        """Say what else a good answer may be: of another status, or of another media type."""
        decorator: Callable[[View], View] = super().alt_response(status, **options)
        return decorator


def _takes_query(decorator: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[View], View]:
    """Mark the view for the guards, which refuse a query string where none is taken."""

    def decorate(view: View) -> View:
        decorated = decorator(view)
        setattr(decorated, QUERY_ATTRIBUTE, True)
        return cast("View", decorated)

    return decorate
