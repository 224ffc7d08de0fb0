"""The reports' figures: those of a plain computation over the same rows, at a cost that past years do not change."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import psycopg
import pytest

from seed.history import People, add_past_orders
from seed.loader import demo_user_ids
from shakerqueue.business_days import DAY, BusinessDays
from shakerqueue.database import Database
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries import reports, status
from shakerqueue.queries.models import UserRole
from shakerqueue.reports import Figures, Window, recipe_report, service_report, staff_report
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.plans import PLANS, connect_as_the_product, explain

PAST_ORDERS = 3000
SYDNEY = BusinessDays(ZoneInfo("Australia/Sydney"), time(5))  # the seed's evenings go on beyond 05:00 there
BERLIN = BusinessDays(ZoneInfo("Europe/Berlin"), time(5))
FRIDAY = date(2026, 11, 6)


class Drink(NamedTuple):
    """A row of the tables, as it is."""

    order_id: object
    placed_at: datetime
    recipe: str
    status: str
    maker: str | None
    due_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    served_at: datetime | None
    error: str | None

    @property
    def business_day(self) -> date:
        """By the clock on the wall, five hours back."""
        return (self.on_the_clock - timedelta(hours=5)).date()

    @property
    def on_the_clock(self) -> datetime:
        return self.placed_at.astimezone(SYDNEY.zone).replace(tzinfo=None)


def seconds(later: datetime | None, earlier: datetime | None) -> float | None:
    return None if later is None or earlier is None else (later - earlier).total_seconds()


def percentiles(times: Iterable[float | None]) -> dict[str, float | None]:
    """Between two values by their distance, as percentile_cont."""
    values = sorted(time for time in times if time is not None)
    return {f"p{share}": interpolated(values, share / 100) if values else None for share in (50, 90, 99)}


def interpolated(values: list[float], share: float) -> float:
    place = (len(values) - 1) * share
    low, high = values[math.floor(place)], values[math.ceil(place)]
    return round(low + (high - low) * (place - math.floor(place)), 3)


def summary(drinks: list[Drink]) -> Figures:
    statuses = Counter(drink.status for drink in drinks)
    return {
        "orders": len({drink.order_id for drink in drinks}),
        "drinks": len(drinks),
        "complete": statuses["complete"],
        "served": sum(drink.served_at is not None for drink in drinks),
        **{status: statuses[status] for status in ("failed", "canceled")},
        "late": sum(drink.completed_at is not None and drink.completed_at > drink.due_at for drink in drinks),
        "wait_seconds": percentiles(seconds(drink.started_at, drink.placed_at) for drink in drinks),
        "make_seconds": percentiles(seconds(drink.completed_at, drink.started_at) for drink in drinks),
        "total_seconds": percentiles(seconds(drink.completed_at, drink.placed_at) for drink in drinks),
        "fetch_seconds": percentiles(seconds(drink.served_at, drink.completed_at) for drink in drinks),
    }


def grouped(drinks: Iterable[Drink], key: Callable[[Drink], Any]) -> dict[Any, list[Drink]]:
    groups = defaultdict(list)
    for one in drinks:
        groups[key(one)].append(one)
    return groups


@pytest.fixture(scope="module")
def year(shared_bar: Bar) -> Bar:
    """A bar with a year of past orders."""
    database = Database(shared_bar.database_url, pool_size=1, application_name="tests")
    database.start()
    with database.connection() as conn:
        people = People(demo_user_ids(conn, UserRole.CUSTOMER), demo_user_ids(conn, UserRole.EMPLOYEE))
    add_past_orders(database, people, PAST_ORDERS, lambda _: None)
    database.stop()
    shared_bar.change("ANALYZE")
    return shared_bar


@pytest.fixture
def conn(bar: Bar) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(bar.database_url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def drinks(year: Bar) -> list[Drink]:
    rows = year.query(
        "SELECT o.id, o.placed_at, i.recipe, i.status::text, u.username, i.due_at, i.started_at, i.completed_at,"
        "  i.served_at, i.error FROM orders AS o JOIN order_items AS i ON i.order_id = o.id"
        " LEFT JOIN users AS u ON u.id = i.claimed_by"
    )
    return [Drink(*row) for row in rows]  # type: ignore[arg-type]


def busy_window(drinks: list[Drink], days: int) -> tuple[Window, list[Drink]]:
    """The days up to one with orders on both sides of its beginning, and the drinks that were ordered in them."""
    ordered = Counter(drink.business_day for drink in drinks)
    last = max(day for day in ordered if ordered[day] > 5 and ordered[day - DAY] > 5)
    first = last - DAY * (days - 1)
    within = [drink for drink in drinks if first <= drink.business_day <= last]
    assert len(drinks) > len(within) > 0
    return Window(SYDNEY, first, last), within


@pytest.mark.shares_bar
@pytest.mark.parametrize("days", [1, 7, 200])
def test_service_is_what_a_plain_computation_makes_of_the_rows(
    conn: psycopg.Connection[Any], drinks: list[Drink], days: int
) -> None:
    window, within = busy_window(drinks, days)
    report = service_report(conn, window)

    assert summary(within) == report["totals"]
    by_recipe = grouped(within, lambda drink: drink.recipe)
    assert {recipe: {"recipe": recipe, **summary(found)} for recipe, found in by_recipe.items()} == {
        row["recipe"]: row for row in report["by_recipe"]
    }
    by_hour = grouped(within, lambda drink: (drink.business_day, drink.on_the_clock.hour))
    assert {key: summary(found) for key, found in by_hour.items()} == {
        (row["business_day"], row["hour"]): {name: row[name] for name in report["totals"]} for row in report["by_hour"]
    }
    reasons = Counter(drink.error for drink in within if drink.status == "failed")
    assert reasons == {row["reason"]: row["count"] for row in report["failures"]}
    canceled = Counter(drink.error for drink in within if drink.status == "canceled")
    assert canceled == {row["reason"]: row["count"] for row in report["cancellations"]}


@pytest.mark.shares_bar
def test_recipes_are_what_a_plain_computation_makes_of_the_rows(
    conn: psycopg.Connection[Any], drinks: list[Drink]
) -> None:
    window, within = busy_window(drinks, 100)
    report = recipe_report(conn, window)

    assert sorted(report, key=lambda row: (-row["sold"], row["recipe"])) == report
    by_recipe = {recipe: summary(found) for recipe, found in grouped(within, lambda drink: drink.recipe).items()}
    sold = sum(figures["complete"] for figures in by_recipe.values())
    assert {
        recipe: {
            "recipe": recipe,
            "sold": figures["complete"],
            **{name: figures[name] for name in ("failed", "canceled", "wait_seconds", "make_seconds")},
            "remade": 0,
            "share": round(figures["complete"] / sold, 4),
        }
        for recipe, figures in by_recipe.items()
    } == {row["recipe"]: row for row in report}
    assert 1 == pytest.approx(sum(row["share"] for row in report), abs=0.01)


@pytest.mark.shares_bar
def test_staff_is_what_a_plain_computation_makes_of_the_rows(
    conn: psycopg.Connection[Any], drinks: list[Drink]
) -> None:
    window, within = busy_window(drinks, 100)
    made = grouped((drink for drink in within if drink.status == "complete"), lambda drink: drink.maker)
    assert {
        maker: {
            "username": maker,
            "drinks": len(found),
            **{name: summary(found)[name] for name in ("late", "make_seconds")},
            "recalls": 0,
        }
        for maker, found in made.items()
    } == {row["username"]: {name: row[name] for name in row if name != "user_id"} for row in staff_report(conn, window)}


@pytest.mark.shares_bar
@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        (reports.SUMMARIZE_DRINKS, "(ARRAY['{day}'::timestamptz], '{day}', '{next}')"),
        (reports.COUNT_REASONS, "('{day}', '{next}', 'failed', 100)"),
        (reports.COUNT_RECALLS, "('{day}', '{next}')"),
        (status.GET_STATUS, "('{day}', '{next}', '{next}')"),
    ],
)
def test_a_day_is_read_without_a_look_at_the_years_before(year: Bar, query: str, arguments: str, plan: str) -> None:
    [(last,)] = year.query("SELECT max(placed_at) FROM orders")
    assert isinstance(last, datetime)
    day = {"day": last - timedelta(hours=20), "next": last + timedelta(hours=4)}
    with connect_as_the_product(year.database_url) as conn:
        nodes = explain(conn, query, arguments.format(**day), plan)
    read = {(node["Node Type"], node.get("Relation Name")) for node in nodes}
    assert "orders_placed_at_idx" in {node.get("Index Name") for node in nodes}
    assert set() == read & {("Seq Scan", table) for table in ("orders", "order_items", "order_events")}


class Evening:
    """A Friday in Berlin with its orders, and who makes them."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.guest = principal_id(conn)
        self.bartender = Actor(principal_id(conn, "bartender@example.com"), UserRole.EMPLOYEE)
        self.admin = Actor(principal_id(conn, "admin@example.com"), UserRole.ADMIN)
        self.window = Window(BERLIN, FRIDAY, FRIDAY)

    def place(self, *recipes: str, at: datetime) -> OrderPlaced:
        placed = order(self.guest, *(drink(self.conn, recipe) for recipe in recipes), placed_at=at)
        with self.conn.transaction():
            insert_orders(self.conn, [placed])
        return placed

    def do(self, verb: Verb, placed: OrderPlaced, actor: Actor, at: datetime, **what: Any) -> None:
        with self.conn.transaction():
            act_on_item(self.conn, placed.id, what.get("number", 1), verb, actor, at, what.get("reason"))

    def service(self) -> Figures:
        return service_report(self.conn, self.window)


@pytest.fixture
def evening(conn: psycopg.Connection[Any]) -> Evening:
    return Evening(conn)


def friday(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """That time in Berlin, of the night that began on Friday."""
    return datetime.combine(FRIDAY if hour >= 5 else FRIDAY + DAY, time(hour, minute, second), BERLIN.zone)


def test_an_order_at_04_59_belongs_to_the_evening_before(evening: Evening) -> None:
    begin, end = friday(5), friday(5) + DAY
    for moment in (begin, end):
        for minutes in (-1, 0, 1):
            evening.place("Margarita", at=moment + timedelta(minutes=minutes))

    report = evening.service()
    assert [(FRIDAY, 5, friday(5)), (FRIDAY, 4, friday(4))] == [
        (row["business_day"], row["hour"], row["starts_at"]) for row in report["by_hour"]
    ]
    assert [2, 1] == [row["orders"] for row in report["by_hour"]]
    assert (3, 3) == (report["totals"]["orders"], report["totals"]["drinks"])


def test_the_hour_that_comes_twice_stands_there_twice(evening: Evening) -> None:
    for hour in (0, 1):  # 02:00 in summer time, 02:00 in winter time
        evening.place("Margarita", at=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    saturday = date(2026, 10, 24)
    report = service_report(evening.conn, Window(BERLIN, saturday, saturday))
    assert [(saturday, 2, 1)] * 2 == [(row["business_day"], row["hour"], row["orders"]) for row in report["by_hour"]]
    assert 1 == len(report["by_recipe"])


def test_without_orders_there_are_zeros_and_no_times(evening: Evening) -> None:
    none = {"p50": None, "p90": None, "p99": None}
    counts = dict.fromkeys(("orders", "drinks", "complete", "served", "failed", "canceled", "late"), 0)
    times = dict.fromkeys(("wait_seconds", "make_seconds", "total_seconds", "fetch_seconds"), none)
    report = evening.service()
    assert {**counts, **times} == report.pop("totals")
    assert [[]] * 5 == list(report.values())
    assert ([], []) == (recipe_report(evening.conn, evening.window), staff_report(evening.conn, evening.window))


def test_a_drink_of_one_tap_has_no_time_in_which_it_was_made(evening: Evening) -> None:
    tapped, started = (evening.place("Margarita", at=friday(20)) for _ in range(2))
    evening.do(Verb.COMPLETE, tapped, evening.bartender, friday(20, 10))
    evening.do(Verb.START, started, evening.bartender, friday(20, 1))
    evening.do(Verb.COMPLETE, started, evening.bartender, friday(20, 2))

    totals = evening.service()["totals"]
    assert (60.0, 60.0, 360.0) == tuple(
        totals[name]["p50"] for name in ("wait_seconds", "make_seconds", "total_seconds")
    )
    [maker] = staff_report(evening.conn, evening.window)
    assert (2, 60.0) == (maker["drinks"], maker["make_seconds"]["p99"])


def test_a_drink_that_is_being_made_has_waited_and_no_more(evening: Evening) -> None:
    evening.do(Verb.START, evening.place("Margarita", at=friday(20)), evening.bartender, friday(20, 1))
    totals = evening.service()["totals"]
    assert (1, 0, 60.0, None) == (
        *(totals[name] for name in ("drinks", "complete")),
        *(totals[name]["p50"] for name in ("wait_seconds", "total_seconds")),
    )


def test_late_is_what_was_completed_after_it_was_due(evening: Evening) -> None:
    on_time, late, _ = (evening.place("Margarita", at=friday(20)) for _ in range(3))
    [(due_at,)] = evening.conn.execute("SELECT DISTINCT due_at FROM order_items").fetchall()
    evening.do(Verb.COMPLETE, on_time, evening.bartender, due_at)
    evening.do(Verb.COMPLETE, late, evening.bartender, due_at + timedelta(seconds=1))
    assert (3, 2, 1) == tuple(evening.service()["totals"][name] for name in ("drinks", "complete", "late"))


def test_a_complete_drink_that_is_recalled_is_a_remake_of_who_had_completed_it(evening: Evening) -> None:
    placed = evening.place("Margarita", "Negroni", at=friday(20))
    evening.do(Verb.COMPLETE, placed, evening.bartender, friday(20, 5))
    evening.do(Verb.SERVE, placed, evening.admin, friday(20, 6))  # whoever serves it has not made it
    evening.do(Verb.RECALL, placed, evening.admin, friday(20, 6))
    evening.do(Verb.COMPLETE, placed, evening.admin, friday(20, 8))
    evening.do(Verb.FAIL, placed, evening.bartender, friday(20, 5), number=2, reason="out of gin")
    evening.do(Verb.RECALL, placed, evening.bartender, friday(20, 9), number=2)

    assert [{"recipe": "Margarita", "count": 1}] == evening.service()["remakes"]
    assert {"Margarita": (1, 1), "Negroni": (0, 0)} == {
        row["recipe"]: (row["sold"], row["remade"]) for row in recipe_report(evening.conn, evening.window)
    }
    assert [("admin", 1, 0), ("bartender", 0, 1)] == [
        (row["username"], row["drinks"], row["recalls"]) for row in staff_report(evening.conn, evening.window)
    ]


def test_reasons_stand_with_their_counts_the_most_frequent_first(evening: Evening) -> None:
    for number, reason in enumerate(["out of mint", "glass broke", "out of mint"]):
        evening.do(
            Verb.FAIL, evening.place("Mojito", at=friday(20, number)), evening.bartender, friday(21), reason=reason
        )
    evening.do(Verb.CANCEL, evening.place("Mojito", at=friday(20, 30)), evening.bartender, friday(21))

    report = evening.service()
    assert [("out of mint", 2), ("glass broke", 1)] == [(row["reason"], row["count"]) for row in report["failures"]]
    assert [{"reason": None, "count": 1}] == report["cancellations"]


def test_reasons_are_bounded_in_number(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shakerqueue.reports.MAX_REASONS", 2)
    for reason in ("a", "b", "b", "c", "c"):
        evening.do(Verb.FAIL, evening.place("Mojito", at=friday(20)), evening.bartender, friday(21), reason=reason)
    report = evening.service()
    assert (["b", "c"], 5) == ([row["reason"] for row in report["failures"]], report["totals"]["failed"])
