"""A span for each request: from its first byte here until its answer begins."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, Response, request

from shakerqueue.api.request_metrics import METHODS
from shakerqueue.api.requests import path_for_logs
from shakerqueue.telemetry import tracing

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROBES = frozenset({"/livez", "/readyz"})  # every few seconds, and nobody ever looks at them
OTHER_METHOD = "_OTHER"  # methods are names of spans: others must not make up any number of them


def trace_requests(app: Flask) -> None:
    """Give each request a span, where traces are on; elsewhere requests do not come by here at all."""
    if tracing.is_on():
        app.wsgi_app = TracedRequests(app.wsgi_app)  # type: ignore[method-assign] # as Flask documents it
        app.after_request(_describe)


class TracedRequests:
    """The application, within a span of the trace that the client sent, or of a new one."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] in PROBES:
            return self._application(environ, start_response)
        name = _method(environ["REQUEST_METHOD"])
        with tracing.begun(name, tracing.Kind.SERVER, environ.get("HTTP_TRACEPARENT")):
            return self._application(environ, start_response)


def _describe(response: Response) -> Response:
    """Names of OpenTelemetry's semantic conventions for HTTP servers."""
    span = tracing.current()
    method = _method(request.method)
    span.set_attributes(
        {
            "http.request.method": method,
            "http.response.status_code": response.status_code,
            "url.scheme": request.scheme,
        }
    )
    if request.url_rule is not None:  # another path may hold anything, such as a table's link that was mistyped
        span.set_attributes({"http.route": request.url_rule.rule, "url.path": path_for_logs()})
        span.update_name(f"{method} {request.url_rule.rule}")
    if response.status_code >= 500:
        span.set_attribute("error.type", str(response.status_code))
    return response


def _method(method: str) -> str:
    return method if method in METHODS else OTHER_METHOD
