"""How long requests take, by route. Labels are few whatever clients send: rules of the URL map, known methods."""

from functools import cache
from time import perf_counter

from flask import Flask, Response, g, request
from prometheus_client import Histogram

from shakerqueue.telemetry.metrics import REQUEST_DURATION

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"
OTHER = "other"


def register(app: Flask) -> None:
    app.after_request(_observe)


def _observe(response: Response) -> Response:
    observe(request.url_rule.rule if request.url_rule else UNMATCHED, request.method, response.status_code)
    return response


def observe(rule: str, method: str, status: int) -> None:
    """The request at hand is answered."""
    _duration(rule, method, status // 100).observe(perf_counter() - g.started_seconds)


def _duration(rule: str, method: str, status_class: int) -> Histogram:
    return _child(rule, method if method in METHODS else OTHER, status_class)


@cache  # looking a child up by its labels takes longer than to observe
def _child(rule: str, method: str, status_class: int) -> Histogram:
    return REQUEST_DURATION.labels(rule, method, f"{status_class}xx")
