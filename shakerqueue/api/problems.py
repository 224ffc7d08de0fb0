"""Errors as HTTP: every failure leaves as application/problem+json (RFC 9457), and none carries internals."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import structlog
from flask import Flask, Response, g, jsonify
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from shakerqueue.errors import (
    DataRefused,
    IllegalTransition,
    NotFound,
    ShakerQueueError,
    SoldOut,
    Taken,
    TooManyAttempts,
    Unavailable,
)

RETRY_AFTER_SECONDS = 1
MAX_FIELD_ERRORS = 50  # whoever sends nonsense is not answered with more of it
PROBLEM_TYPE = "application/problem+json"
WRONG_FIELDS = "Some fields are not as they must be."

log = structlog.get_logger(__name__)

_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    503: "unavailable",
}


class FieldError(NamedTuple):
    """What is wrong with one field; `field` is its path in the body, such as ``items.0.quantity``."""

    field: str
    code: str
    detail: str


class Problem(Exception):
    """An answer that is an error. Raise it anywhere below a view; `extra` joins the body's members.

    Of `errors` the first `MAX_FIELD_ERRORS` are told.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or _CODES.get(status, "error")
        self.errors = [error._asdict() for error in islice(errors, MAX_FIELD_ERRORS)]
        self.headers = dict(headers or {})
        self.extra = extra

    def response(self) -> Response:
        response = jsonify(self.body(g.get("request_id")))
        response.status_code = self.status
        response.headers.extend(self.headers)
        response.content_type = PROBLEM_TYPE
        return response

    def body(self, request_id: str | None) -> dict[str, Any]:
        """What the answer says."""
        return {
            "type": f"urn:shakerqueue:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            "errors": self.errors,
            **self.extra,
        }


def unauthorized(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})


def unavailable(detail: str) -> Problem:
    return Problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def invalid_fields(messages: Mapping[str, Any]) -> Problem:
    """What marshmallow says of a body, or of a part of one."""
    return Problem(422, WRONG_FIELDS, errors=_flatten(messages, ""))


def problem_of(error: Problem | ShakerQueueError) -> Problem:
    """What a client is told of an error that keeps an order from being accepted."""
    match error:
        case Problem():
            return error
        case DataRefused():
            return Problem(422, "The data cannot be stored as it is.")
        case _:
            return unavailable("A part of the service is away. Try again shortly.")


def refusal(error: Exception) -> Response:
    """The answer to an order that could not be made safe, whatever the reason."""
    match error:
        case DataRefused():
            return _from_data_refused(error)
        case Unavailable():
            return _from_unavailable(error)
        case _:
            return _from_bug(error)


def register_handlers(app: Flask) -> None:
    app.register_error_handler(Problem, Problem.response)
    app.register_error_handler(HTTPException, from_http_exception)
    app.register_error_handler(Unavailable, _from_unavailable)
    app.register_error_handler(DataRefused, _from_data_refused)
    app.register_error_handler(NotFound, _from_not_found)
    app.register_error_handler(IllegalTransition, _from_illegal_transition)
    app.register_error_handler(SoldOut, _from_sold_out)
    app.register_error_handler(Taken, _from_taken)
    app.register_error_handler(TooManyAttempts, _from_too_many_attempts)
    app.register_error_handler(Exception, _from_bug)


def from_http_exception(error: HTTPException) -> Response:
    """What Flask, werkzeug and webargs raise, brought to our form; `Allow` and the like are kept."""
    messages = getattr(error, "data", {}).get("messages") or {}
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "Location")}
    if isinstance(error, RequestEntityTooLarge):
        headers["Connection"] = "close"  # as the server does, whose reader of bodies stops there: a client is to know
    detail = WRONG_FIELDS if messages else error.description or "The request failed."
    return Problem(error.code or 500, detail, errors=field_errors(messages), headers=headers).response()


def field_errors(messages: Mapping[str, Any]) -> Iterator[FieldError]:
    """marshmallow's nested messages, by place of the input (``json``, ``query``), one after the other."""
    return (error for place in messages.values() for error in _flatten(place, ""))


def _flatten(node: Any, path: str) -> Iterator[FieldError]:
    if isinstance(node, Mapping):
        for name, child in node.items():
            at = path if name == "_schema" else f"{path}.{name}".lstrip(".")
            yield from _flatten(child, at)
    else:
        for detail in [node] if isinstance(node, str) else node:
            yield FieldError(path, "invalid", str(detail))


def _from_unavailable(error: Unavailable) -> Response:
    log.warning("answered_unavailable", part=error.part, reason=error.reason)
    return problem_of(error).response()


def _from_data_refused(error: DataRefused) -> Response:
    log.warning("data_refused", reason=str(error), constraint=error.constraint)
    return problem_of(error).response()


def _from_not_found(error: NotFound) -> Response:
    return Problem(404, str(error)).response()


def _from_illegal_transition(error: IllegalTransition) -> Response:
    return Problem(409, f"{error}.", code="invalid_transition", allowed=error.allowed).response()


def _from_sold_out(_: SoldOut) -> Response:
    return Problem(409, "There is none left to make it again.", code="sold_out").response()


def _from_taken(error: Taken) -> Response:
    detail = f"This {error.field} is taken."
    return Problem(409, detail, code="taken", errors=[FieldError(error.field, "taken", detail)]).response()


def _from_too_many_attempts(error: TooManyAttempts) -> Response:
    headers = {"Retry-After": str(error.seconds_left)}
    return Problem(429, "Too many attempts have failed. Try again later.", headers=headers).response()


def _from_bug(error: Exception) -> Response:
    log.error("unhandled_error", exc_info=error)
    return Problem(500, "Something went wrong on our side.", code="internal_error").response()
