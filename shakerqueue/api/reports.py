"""The manager's reports, as JSON or as CSV files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from flask import Response, request
from psycopg import Connection

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.csv_files import Row, csv_response
from shakerqueue.api.guards import allow
from shakerqueue.api.problems import FieldError, Problem, unavailable
from shakerqueue.api.report_schemas import (
    RecipeReportSchema,
    ReportQuerySchema,
    ServiceReportSchema,
    StaffReportSchema,
)
from shakerqueue.api.requests import extend_deadline, request_deadline
from shakerqueue.api.services import services
from shakerqueue.errors import Unavailable
from shakerqueue.queries.reports import prepare_report
from shakerqueue.reports import COUNTS, PERCENTILES, TIMES, Figures, Window, recipe_report, service_report, staff_report
from shakerqueue.roles import STAFF

MAX_DAYS = 366
MORE_SECONDS = 7.0  # than other requests have: a year of a large bar takes its time
PLACE_SECONDS = 1.0

JSON, CSV = "application/json", "text/csv"


def _vary_by_accept(response: Response) -> Response:
    """The same address answers JSON to one and CSV to another."""
    response.vary.add("Accept")
    return response


blueprint = Blueprint("reports", __name__, url_prefix="/reports", description="The manager's figures")
blueprint.after_request(_vary_by_accept)


def _time_columns(*times: str) -> list[str]:
    return [f"{time}_{percentile}" for time in times for percentile in PERCENTILES]


SERVICE_COLUMNS = (
    *("series", "business_day", "hour", "starts_at", "recipe", "reason", "count"),
    *COUNTS,
    *_time_columns(*TIMES),
)
RECIPE_COLUMNS = (
    *("recipe", "sold", "failed", "canceled", "remade", "share"),
    *_time_columns("wait_seconds", "make_seconds"),
)
STAFF_COLUMNS = ("user_id", "username", "drinks", "late", "recalls", *_time_columns("make_seconds"))


@blueprint.route("/service")
@allow(STAFF)
@blueprint.arguments(ReportQuerySchema, location="query")
@blueprint.response(200, ServiceReportSchema, headers=["Content-Disposition"])
@blueprint.alt_response(200, schema={"type": "string"}, content_type=CSV)
def report_service(query: dict[str, Any]) -> Figures | Response:
    """How the bar did: in all, by hour and by recipe; what failed, was canceled or was made again."""
    window = _window(query["first"], query["last"])
    with _reading() as conn:
        figures = service_report(conn, window)
    if _wants_csv(query["format"]):
        return _file("service", window, SERVICE_COLUMNS, _service_rows(figures))
    return {"window": _window_json(window), **figures}


@blueprint.route("/recipes")
@allow(STAFF)
@blueprint.arguments(ReportQuerySchema, location="query")
@blueprint.response(200, RecipeReportSchema, headers=["Content-Disposition"])
@blueprint.alt_response(200, schema={"type": "string"}, content_type=CSV)
def report_recipes(query: dict[str, Any]) -> Figures | Response:
    """How each recipe sold and how long it took; what sold best comes first."""
    window = _window(query["first"], query["last"])
    with _reading() as conn:
        figures = recipe_report(conn, window)
    if _wants_csv(query["format"]):
        return _file("recipes", window, RECIPE_COLUMNS, figures)
    return {"window": _window_json(window), "recipes": figures}


@blueprint.route("/staff")
@allow(STAFF)
@blueprint.arguments(ReportQuerySchema, location="query")
@blueprint.response(200, StaffReportSchema, headers=["Content-Disposition"])
@blueprint.alt_response(200, schema={"type": "string"}, content_type=CSV)
def report_staff(query: dict[str, Any]) -> Figures | Response:
    """What each maker made, how fast, and how much of it late or recalled; who made most comes first."""
    window = _window(query["first"], query["last"])
    with _reading() as conn:
        figures = staff_report(conn, window)
    if _wants_csv(query["format"]):
        return _file("staff", window, STAFF_COLUMNS, figures)
    return {"window": _window_json(window), "staff": figures}


def _window(first: date | None, last: date | None) -> Window:
    """The days that are asked for. Raises Problem where they are none, or too many."""
    days = services().settings.business_days
    last = last or days.day_of(datetime.now(UTC))
    first = first or last
    if first > last:
        raise _refused("The window begins after it ends.")
    if (last - first).days >= MAX_DAYS:
        raise _refused(f"At most {MAX_DAYS} days.")
    return Window(days, first, last)


def _refused(detail: str) -> Problem:
    return Problem(422, detail, errors=[FieldError("from", "invalid", detail)])


@contextmanager
def _reading() -> Iterator[Connection[Any]]:
    """One state of the data, for longer than other requests, while connections are left for those."""
    extend_deadline(MORE_SECONDS)
    places = services().report_places
    if not places.acquire(timeout=PLACE_SECONDS):
        raise unavailable("This process reads as many reports as it can. Try again shortly.")
    try:
        with services().database.snapshot(request_deadline()) as conn:
            prepare_report(conn)
            yield conn
    except Unavailable:
        if request_deadline().passed:
            raise unavailable("The report was not ready in time. Ask for fewer days.") from None
        raise
    finally:
        places.release()


def _wants_csv(chosen: str | None) -> bool:
    if chosen:
        return chosen == "csv"
    return request.accept_mimetypes.best_match([JSON, CSV]) == CSV


def _file(name: str, window: Window, columns: Sequence[str], rows: Sequence[Row]) -> Response:
    return csv_response(f"{name}-{window.first}-to-{window.last}.csv", columns, rows)


def _service_rows(figures: Figures) -> list[Row]:
    """All the report's tables as one, told apart by `series`."""
    tables = {
        "total": [figures["totals"]],
        "hour": figures["by_hour"],
        "recipe": figures["by_recipe"],
        "failure": figures["failures"],
        "cancellation": figures["cancellations"],
        "remake": figures["remakes"],
    }
    return [{"series": series, **row} for series, rows in tables.items() for row in rows]


def _window_json(window: Window) -> dict[str, Any]:
    return {
        "first": window.first,
        "last": window.last,
        "begins_at": window.begins_at,
        "ends_at": window.ends_at,
        "time_zone": window.days.zone.key,
    }
