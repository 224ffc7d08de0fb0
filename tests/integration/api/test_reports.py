"""Reports over HTTP: which days, in which form, and what is refused."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import psycopg
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api import reports
from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries.models import UserRole
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id

Headers = dict[str, str]
REPORTS = ("service", "recipes", "staff")
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def evening(bar: Bar) -> date:
    """Two drinks of today, one made in thirty seconds and one that failed, and one of a week ago; the business day.

    The one that was made was served seven and a half seconds later.
    """
    with psycopg.connect(bar.database_url) as conn:
        placed = order(principal_id(conn), drink(conn, "Margarita"), drink(conn, "Mojito"), placed_at=NOW)
        earlier = order(principal_id(conn), drink(conn, "Negroni"), placed_at=NOW - timedelta(days=7))
        insert_orders(conn, [placed, earlier])
        bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        act_on_item(conn, placed.id, 1, Verb.START, bartender, NOW + timedelta(seconds=12.5))
        act_on_item(conn, placed.id, 1, Verb.COMPLETE, bartender, NOW + timedelta(seconds=42.5))
        act_on_item(conn, placed.id, 1, Verb.SERVE, bartender, NOW + timedelta(seconds=50))
        act_on_item(conn, placed.id, 2, Verb.FAIL, bartender, NOW + timedelta(seconds=50), '=HYPERLINK("x")')
    return bar.settings.business_days.day_of(NOW)


def table(answer: TestResponse) -> list[dict[str, str]]:
    assert (200, "text/csv; charset=utf-8") == (answer.status_code, answer.headers["Content-Type"])
    return list(csv.DictReader(StringIO(answer.text, newline="")))


def percentiles(seconds: float | None) -> dict[str, float | None]:
    return dict.fromkeys(("p50", "p90", "p99"), seconds)


def test_service_tells_of_the_present_business_day(client: FlaskClient, admin: Headers, evening: date) -> None:
    answer = client.get("/reports/service", headers=admin)
    report = answer.get_json()

    begins_at = datetime(evening.year, evening.month, evening.day, 5, tzinfo=UTC)
    assert {
        "from": evening.isoformat(),
        "to": evening.isoformat(),
        "begins_at": begins_at.isoformat(),
        "ends_at": (begins_at + timedelta(days=1)).isoformat(),
        "time_zone": "UTC",
    } == report["window"]
    counts = {"orders": 1, "drinks": 2, "complete": 1, "served": 1, "failed": 1, "canceled": 0, "late": 0}
    made = {
        "wait_seconds": percentiles(12.5),
        "make_seconds": percentiles(30),
        "total_seconds": percentiles(42.5),
        "fetch_seconds": percentiles(7.5),
    }
    assert {**counts, **made} == report["totals"]
    hour = {
        "business_day": evening.isoformat(),
        "hour": NOW.hour,
        "starts_at": NOW.replace(minute=0, second=0).isoformat(),
    }
    assert [{**hour, **counts, **made}] == report["by_hour"]
    one = {**counts, "drinks": 1}
    none = dict.fromkeys(made, percentiles(None))
    assert [
        {"recipe": "Margarita", **one, "failed": 0, **made},
        {"recipe": "Mojito", **one, "complete": 0, "served": 0, **none},
    ] == report["by_recipe"]
    assert [{"reason": '=HYPERLINK("x")', "count": 1}] == report["failures"]
    assert ([], []) == (report["cancellations"], report["remakes"])
    assert "Accept" in answer.headers["Vary"]


def test_recipes_and_staff_tell_of_it_too(client: FlaskClient, bartender: Headers, evening: date) -> None:
    recipes = client.get("/reports/recipes", headers=bartender).get_json()
    staff = client.get("/reports/staff", headers=bartender).get_json()
    assert recipes["window"] == staff["window"]
    margarita, mojito = recipes["recipes"]
    assert {
        "recipe": "Margarita",
        "sold": 1,
        "failed": 0,
        "canceled": 0,
        "remade": 0,
        "share": 1.0,
        "wait_seconds": percentiles(12.5),
        "make_seconds": percentiles(30.0),
    } == margarita
    assert ("Mojito", 0, 1, 0.0) == tuple(mojito[name] for name in ("recipe", "sold", "failed", "share"))
    [maker] = staff["staff"]
    assert maker.pop("user_id")
    made = {"drinks": 1, "late": 0, "recalls": 0, "make_seconds": percentiles(30.0)}
    assert {"username": "bartender", **made} == maker


@pytest.mark.parametrize(
    ("first", "last", "orders"),
    [(-7, 0, 2), (-7, -7, 1), (-6, -1, 0), (None, -7, 1), (-7, None, 2), (0, 1, 1)],
)
def test_a_window_has_both_its_days(
    client: FlaskClient, bartender: Headers, evening: date, first: int | None, last: int | None, orders: int
) -> None:
    days = {
        name: (evening + timedelta(days=days)).isoformat()
        for name, days in {"from": first, "to": last}.items()
        if days is not None
    }
    report = client.get("/reports/service", query_string=days, headers=bartender).get_json()
    assert orders == report["totals"]["orders"]
    assert days.items() <= report["window"].items()


@pytest.mark.shares_bar
@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=2026-11-07&to=2026-11-01", "from"),
        ("from=2025-11-01&to=2026-11-02", "from"),
        ("from=2026-13-01", "from"),
        ("from=1999-12-31&to=2000-01-02", "from"),
        ("to=9999-12-31", "to"),
        ("to=yesterday", "to"),
        ("to=2026-11-01&to=2026-11-02", "to"),
        ("format=xls", "format"),
    ],
)
def test_what_is_no_window_is_refused_by_name(
    client: FlaskClient, bartender: Headers, report: str, query: str, field: str
) -> None:
    answer = client.get(f"/reports/{report}?{query}", headers=bartender)
    assert (422, {field}) == (answer.status_code, {error["field"] for error in answer.get_json()["errors"]})


@pytest.mark.shares_bar
def test_a_year_is_not_too_long(client: FlaskClient, bartender: Headers) -> None:
    assert 200 == client.get("/reports/service?from=2024-01-01&to=2024-12-31", headers=bartender).status_code


def test_service_as_a_file_has_all_its_tables(client: FlaskClient, bartender: Headers, evening: date) -> None:
    answer = client.get(f"/reports/service?format=csv&from={evening}", headers=bartender)

    rows = table(answer)
    assert f"attachment; filename=service-{evening}-to-{evening}.csv" == answer.headers["Content-Disposition"]
    assert ["total", "hour", "recipe", "recipe", "failure"] == [row["series"] for row in rows]
    assert ("2", "12.5", "") == tuple(rows[0][name] for name in ("drinks", "wait_seconds_p90", "recipe"))
    assert ("1", "7.5") == tuple(rows[0][name] for name in ("served", "fetch_seconds_p99"))
    assert (evening.isoformat(), str(NOW.hour)) == (rows[1]["business_day"], rows[1]["hour"])
    assert ("Mojito", "") == (rows[3]["recipe"], rows[3]["wait_seconds_p50"])
    assert ('\'=HYPERLINK("x")', "1") == (rows[4]["reason"], rows[4]["count"])


def test_recipes_and_staff_as_files(client: FlaskClient, bartender: Headers, evening: date) -> None:
    [margarita, mojito] = table(client.get("/reports/recipes?format=csv", headers=bartender))
    assert ("Margarita", "1.0", "30.0") == tuple(margarita[name] for name in ("recipe", "share", "make_seconds_p50"))
    assert ("Mojito", "0.0", "") == tuple(mojito[name] for name in ("recipe", "share", "make_seconds_p50"))
    [maker] = table(client.get("/reports/staff?format=csv", headers=bartender))
    assert ("bartender", "1", "30.0") == tuple(maker[name] for name in ("username", "drinks", "make_seconds_p90"))


@pytest.mark.shares_bar
@pytest.mark.parametrize("report", REPORTS)
def test_a_file_without_figures_has_its_header(client: FlaskClient, bartender: Headers, report: str) -> None:
    answer = client.get(f"/reports/{report}?format=csv&from=2020-01-01&to=2020-01-01", headers=bartender)
    assert (200, True) == (answer.status_code, "make_seconds_p50" in answer.text.splitlines()[0])


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("accept", "query", "form"),
    [
        ("text/csv", "", "text/csv"),
        ("text/csv, */*;q=0.1", "", "text/csv"),
        ("text/csv;q=0.5, application/json", "", "application/json"),
        ("*/*", "", "application/json"),
        ("text/html", "", "application/json"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", "text/csv"),
    ],
)
def test_the_form_is_what_was_asked_for(
    client: FlaskClient, bartender: Headers, accept: str, query: str, form: str
) -> None:
    answer = client.get(f"/reports/staff{query}", headers={**bartender, "Accept": accept})
    assert (200, form) == (answer.status_code, answer.mimetype)


@pytest.fixture
def locked_orders(bar: Bar) -> Iterator[None]:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        yield


def test_a_report_that_takes_too_long_says_so(
    client: FlaskClient, bartender: Headers, locked_orders: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "MORE_SECONDS", -2.5)
    answer = client.get("/reports/service", headers=bartender)
    assert (503, "1", True) == (
        answer.status_code,
        answer.headers["Retry-After"],
        "fewer days" in answer.get_json()["detail"],
    )


def test_reports_leave_connections_for_all_else(
    client: FlaskClient, bartender: Headers, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "PLACE_SECONDS", 0.1)
    places = services.settings.database_pool_size // 2
    assert [True] * places == [services.report_places.acquire(blocking=False) for _ in range(places)]
    assert 503 == client.get("/reports/service", headers=bartender).status_code
    assert 200 == client.get("/queue", headers=bartender).status_code

    services.report_places.release()
    assert [200] * 3 == [client.get(f"/reports/{report}", headers=bartender).status_code for report in REPORTS]


def test_without_the_database_there_is_no_report(client: FlaskClient, bartender: Headers, services: Services) -> None:
    services.database.stop()
    answer = client.get("/reports/service", headers=bartender)
    assert (503, False) == (answer.status_code, "fewer days" in answer.get_json()["detail"])
