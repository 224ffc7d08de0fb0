"""The feed of events: as a stream that goes on, or page by page."""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import structlog
from flask import Response, request
from structlog.contextvars import bound_contextvars, get_contextvars

from shakerqueue import shutdown
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.event_stream import EventStream
from shakerqueue.api.fields import is_whole_number
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import FieldError, Problem, unavailable
from shakerqueue.api.requests import extend_deadline, request_deadline
from shakerqueue.api.schemas import EventPageSchema, EventQuerySchema
from shakerqueue.api.services import services
from shakerqueue.api.stream_watch import LOOK_SECONDS
from shakerqueue.api.waiting import waiting_place
from shakerqueue.deadlines import Deadline
from shakerqueue.event_feed import Page, PlaceLost, Reader
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
    extend_deadline(wait_seconds)
    try:
        page = _awaited_page(Reader(place, principal().sees_only), Deadline.after(wait_seconds))
    except PlaceLost as lost:
        return _page_response(Page([], lost.last_id), reset=True)
    return _page_response(page, reset=False)


def _awaited_page(reader: Reader, until: Deadline) -> Page:
    """The first page with something on it, or an empty one at the end: others' events are none."""
    feed = services().feed
    with waiting_place() as held, feed.registered(reader):
        page = feed.next_page(reader, request_deadline())
        while held and not page.events and not until.passed and not shutdown.requested.is_set():
            reader.wait(until.remaining_seconds(LOOK_SECONDS))
            page = feed.next_page(reader, request_deadline())
    return page


def _page_response(page: Page, *, reset: bool) -> Response:
    """The events are JSON already."""
    events = [msgspec.Raw(event.json) for event in page.events]
    answer = msgspec.json.encode({"events": events, "after": page.place, "reset": reset})
    return Response(answer, mimetype="application/json")


def _last_event_id() -> int | None:
    given = request.headers.get("Last-Event-ID")
    if given is None:
        return None
    if not is_whole_number(given):
        error = FieldError("Last-Event-ID", "invalid", "An id that this feed has given.")
        raise Problem(422, error.detail, errors=[error])
    return int(given)
