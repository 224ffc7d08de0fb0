"""What happens around every request: its id, its deadline, and one log line."""

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any, cast

import structlog
from flask import Flask, Response, g, request

from shakerqueue.api import request_context
from shakerqueue.deadlines import Deadline
from shakerqueue.random_names import random_name
from shakerqueue.table_links import LINK_PATH

REQUEST_SECONDS = 2.8
MAX_LOGGED_CHARACTERS = 500  # of what a stranger chooses; no path of ours is as long

_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

log = structlog.get_logger(__name__)


def register_hooks(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(request_context.end)


def _begin() -> None:
    begin(request.headers.get("X-Request-Id", ""), request.view_args or {})


def begin(given_id: str, path_arguments: Mapping[str, Any]) -> None:
    """What every request has from its beginning on: an id, the client's if it is usable, a log context, a deadline."""
    g.request_id = given_id if _USABLE_ID.fullmatch(given_id) else random_name()
    request_context.begin(g.request_id, path_arguments)
    g.started_seconds = perf_counter()
    g.deadline = Deadline.after(REQUEST_SECONDS)


def request_deadline() -> Deadline:
    """When this request must be answered: whatever it waits for, it waits no longer."""
    return cast("Deadline", g.deadline)


def extend_deadline(seconds: float) -> None:
    """For an answer that is to be held back for so long."""
    g.deadline = Deadline(request_deadline().at_seconds + seconds)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    tell(_shortened(request.method), path_for_logs(), response.status_code, is_probe=request.blueprint == "health")
    return response


def tell(method: str, path: str, status: int, *, is_probe: bool = False) -> None:
    """The one line that each request has in the log."""
    # A probe every few seconds would bury what people and machines really asked for.
    write = log.debug if is_probe else log.info
    duration_seconds = round(perf_counter() - g.started_seconds, 6)
    write("request", method=method, path=path, status=status, duration_seconds=duration_seconds)


def path_for_logs() -> str:
    """The path, without what a table's link says: whoever reads a log must not order by it."""
    return f"{LINK_PATH}…" if request.path.startswith(LINK_PATH) else _shortened(request.path)


def _shortened(text: str) -> str:
    """Nobody fills the disk with one line, or a span with what it is called by."""
    return text if len(text) <= MAX_LOGGED_CHARACTERS else f"{text[:MAX_LOGGED_CHARACTERS]}…"
