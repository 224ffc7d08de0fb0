"""The manager's figures over a window of business days. docs/reports.md says what each of them means."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection

from shakerqueue.business_days import DAY, BusinessDays
from shakerqueue.queries import reports
from shakerqueue.queries.models import ItemStatus
from shakerqueue.queries.reports import SummarizeDrinksRow

MAX_REASONS = 100  # they are free text: there can be as many as drinks
PERCENTILES = ("p50", "p90", "p99")  # as SummarizeDrinks has them
COUNTS = ("orders", "drinks", "complete", "served", "failed", "canceled", "late")
TIMES = ("wait_seconds", "make_seconds", "total_seconds", "fetch_seconds")

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """The business days from `first` to `last`. A report tells of the orders that were placed in them."""

    days: BusinessDays
    first: date
    last: date

    @property
    def begins_at(self) -> datetime:
        return self.days.begin_of(self.first)

    @property
    def ends_at(self) -> datetime:
        """The first moment that does not belong to it."""
        return self.days.begin_of(self.last + DAY)

    @property
    def bounds(self) -> dict[str, datetime]:
        """What every query of a report asks for."""
        return {"placed_from": self.begins_at, "placed_before": self.ends_at}


def service_report(conn: Connection[Any], window: Window) -> Figures:
    """How the bar did: `totals`, `by_hour`, `by_recipe`, `failures` and `cancellations` by reason, `remakes`."""
    hours = window.days.hours(window.first, window.last)
    rows = reports.summarize_drinks(conn, hours=[hour.starts_at for hour in hours], **window.bounds)
    [total] = _series(rows, "total")
    return {
        "totals": _summary(total),
        "by_hour": [{**hours[row.hour - 1]._asdict(), **_summary(row)} for row in _series(rows, "hour") if row.hour],
        "by_recipe": [{"recipe": row.recipe, **_summary(row)} for row in _series(rows, "recipe")],
        "failures": _reasons(conn, window, ItemStatus.FAILED),
        "cancellations": _reasons(conn, window, ItemStatus.CANCELED),
        "remakes": [{"recipe": name, "count": count} for name, count in _recalls(conn, window, "recipe").most_common()],
    }


def recipe_report(conn: Connection[Any], window: Window) -> list[Figures]:
    """How each recipe sold, how often it was made again, and how long it took; what sold best comes first."""
    rows = _series(_without_hours(conn, window), "recipe")
    remakes = _recalls(conn, window, "recipe")
    sold = sum(row.complete for row in rows)
    figures = [
        {
            "recipe": row.recipe,
            "sold": row.complete,
            "failed": row.failed,
            "canceled": row.canceled,
            "remade": remakes[row.recipe],
            "share": round(row.complete / sold, 4) if sold else 0.0,
            "wait_seconds": _percentiles(row.wait_seconds),
            "make_seconds": _percentiles(row.make_seconds),
        }
        for row in rows
    ]
    return sorted(figures, key=lambda recipe: (-recipe["sold"], recipe["recipe"]))


def staff_report(conn: Connection[Any], window: Window) -> list[Figures]:
    """What each maker made, how fast, how much of it late or recalled; who made most comes first."""
    made = {row.maker_id: row for row in _series(_without_hours(conn, window), "maker") if row.maker_id}
    recalls = _recalls(conn, window, "maker_id")
    makers = reports.list_usernames(conn, ids=[id for id in {*made, *recalls} if id])
    figures = [
        {"user_id": maker.id, "username": maker.username, **_made(made.get(maker.id)), "recalls": recalls[maker.id]}
        for maker in makers
    ]
    return sorted(figures, key=lambda maker: (-maker["drinks"], maker["username"]))


def _without_hours(conn: Connection[Any], window: Window) -> list[SummarizeDrinksRow]:
    return reports.summarize_drinks(conn, hours=[window.begins_at], **window.bounds)


def _series(rows: Sequence[SummarizeDrinksRow], series: str) -> list[SummarizeDrinksRow]:
    return [row for row in rows if row.series == series]


def _summary(row: SummarizeDrinksRow) -> Figures:
    counts = {name: getattr(row, name) for name in COUNTS}
    return {**counts, **{name: _percentiles(getattr(row, name)) for name in TIMES}}


def _made(row: SummarizeDrinksRow | None) -> Figures:
    """A maker's drinks; without a row all of them were recalled and are somebody else's now."""
    if row is None:
        return {"drinks": 0, "late": 0, "make_seconds": _percentiles(None)}
    return {"drinks": row.drinks, "late": row.late, "make_seconds": _percentiles(row.make_seconds)}


def _percentiles(seconds: Sequence[float] | None) -> dict[str, float | None]:
    """By name, to the millisecond; null where no drink has this time."""
    if seconds is None:
        return dict.fromkeys(PERCENTILES)
    return {name: round(value, 3) for name, value in zip(PERCENTILES, seconds, strict=True)}


def _reasons(conn: Connection[Any], window: Window, status: ItemStatus) -> list[Figures]:
    rows = reports.count_reasons(conn, status=status, at_most=MAX_REASONS, **window.bounds)
    return [{"reason": row.reason, "count": row.drinks} for row in rows]


def _recalls(conn: Connection[Any], window: Window, by: str) -> Counter[Any]:
    """How often complete drinks were recalled, by `recipe`, or by the `maker_id` of who had completed them."""
    recalls: Counter[Any] = Counter()
    for row in reports.count_recalls(conn, **window.bounds):
        recalls[getattr(row, by)] += row.recalls
    return recalls
