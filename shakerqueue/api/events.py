"""The feed of events: as a stream that goes on, or page by page."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from flask import Response, jsonify, request
from structlog.contextvars import bound_contextvars, get_contextvars

from shakerqueue import shutdown
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.event_stream import LOOK_SECONDS, EventStream, event_json
from shakerqueue.api.fields import is_whole_number
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import FieldError, Problem, unavailable
from shakerqueue.api.requests import extend_deadline, request_deadline
from shakerqueue.api.schemas import EventPageSchema, EventQuerySchema
from shakerqueue.api.services import services
from shakerqueue.api.waiting import waiting_place
from shakerqueue.deadlines import Deadline
from shakerqueue.event_feed import Page, PlaceLost
from shakerqueue.roles import PEOPLE
from shakerqueue.scopes import Scope
from shakerqueue.telemetry.metrics import STREAMS_OPEN, STREAMS_REFUSED

STREAM = "text/event-stream"

log = structlog.get_logger(__name__)

blueprint = Blueprint("events", __name__, url_prefix="/events", description="What happens to orders, as it happens")


@blueprint.route("")
@allow(PEOPLE, Scope.ORDERS_READ)
@blueprint.arguments(EventQuerySchema, location="query")
@blueprint.response(200, EventPageSchema)
@blueprint.alt_response(200, schema={"type": "string"}, content_type=STREAM)
@contract(takes=["Last-Event-ID"])
def follow_events(query: dict[str, Any]) -> Response:
    """What happens to orders: a guest's or a POS's own, for the staff everybody's.

    A stream of server-sent events from now on, or from `Last-Event-ID` on. With `after`, or where a stream is not
    accepted, JSON: the events after that place and where to go on, held back for up to `wait` seconds while there
    are none.
    """
    last_event_id = _last_event_id()
    if query["after"] is None and _accepts_stream():
        return _stream(last_event_id)
    return _page(query["after"], query["wait"])


def _accepts_stream() -> bool:
    """Whoever says nothing of it, or anything goes, does."""
    accepted = request.accept_mimetypes
    return not accepted or accepted.best_match([STREAM, "application/json"]) == STREAM


def _stream(place: int | None) -> Response:
    places, who = services().stream_places, principal()
    if not places.take(who):
        STREAMS_REFUSED.inc()
        raise unavailable("There are as many streams as there is room for. Try again, or follow by `after`.")
    response = Response(iter(EventStream(services(), who, place)), mimetype=STREAM)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would collect before it sends
    STREAMS_OPEN.inc()
    response.call_on_close(partial(_log_end, get_contextvars(), time.monotonic()))
    response.call_on_close(lambda: places.give_back(who))
    response.call_on_close(STREAMS_OPEN.dec)
    return response


def _log_end(context: Mapping[str, Any], began_at: float) -> None:
    """The server ends a stream in any of its threads, when the request that asked for it is long over."""
    with bound_contextvars(**context):
        log.info("stream_ended", duration_seconds=round(time.monotonic() - began_at, 6))


def _page(place: int | None, wait_seconds: float) -> Response:
    feed = services().feed
    if place is None:
        place = feed.last_id
        if place is None:
            raise unavailable("The feed was not read yet.")
    extend_deadline(wait_seconds)
    try:
        page = _awaited_page(place, Deadline.after(wait_seconds))
    except PlaceLost as lost:
        return jsonify({"events": [], "after": lost.last_id, "reset": True})
    return jsonify({"events": [event_json(event) for event in page.events], "after": page.place, "reset": False})


def _awaited_page(place: int, until: Deadline) -> Page:
    """The first page with something on it, or an empty one at the end: others' events are none."""
    feed = services().feed
    own = principal().sees_only
    with waiting_place() as held:
        page = feed.after(place, own, request_deadline())
        while held and not page.events and not until.passed and not shutdown.requested.is_set():
            feed.await_more(page.place, until.remaining_seconds(LOOK_SECONDS))
            page = feed.after(page.place, own, request_deadline())
    return page


def _last_event_id() -> int | None:
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return None
    if not is_whole_number(given):
        error = FieldError("Last-Event-ID", "invalid", "An id that this feed has given.")
        raise Problem(422, error.detail, errors=[error])
    return int(given)
