"""The tour of docs/reports.md, run as it is printed there."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg

from shakerqueue.intake import insert_orders
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.tours import run_tour


def test_the_tour_does_what_it_says(bar: Bar, curl: None, tmp_path: Path) -> None:
    with psycopg.connect(bar.database_url) as conn:
        moments = (datetime.now(UTC), datetime(2026, 11, 7, 20, tzinfo=UTC))
        insert_orders(conn, [order(principal_id(conn), drink(conn), drink(conn), placed_at=at) for at in moments])
    with bar.api() as client:
        today, staff, still_open = run_tour("docs/reports.md", client, tmp_path)

    assert ["2", "4"] == [today, still_open]
    assert "user_id,username,drinks,late,recalls,make_seconds_p50,make_seconds_p90,make_seconds_p99" == staff
    header, margarita = (tmp_path / "recipes-2026-11-01-to-2026-11-07.csv").read_text("utf-8").splitlines()
    assert ["recipe,sold", "Margarita,0"] == [header[:11], margarita[:11]]
