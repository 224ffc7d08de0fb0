"""Giving stock back: counted recipes only, nothing lost beside those who take, no deadlock."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from shakerqueue.database import Database, running_database
from shakerqueue.queries import recipes
from tests.support.bar import Bar

ROUNDS = 40


@pytest.fixture
def database(bar: Bar) -> Iterator[Database]:
    with running_database(bar.database_url, "tests", pool_size=8) as database:
        yield database


@pytest.fixture
def ids(database: Database) -> list[UUID]:
    with database.connection() as conn:
        return sorted(recipe.id for recipe in recipes.list_recipes(conn))[:2]


def set_remaining(bar: Bar, *remaining: int | None) -> None:
    values = ["null" if one is None else str(one) for one in remaining]
    for offset, value in enumerate(values):
        bar.query(
            f"UPDATE recipes SET remaining = {value}"
            f" WHERE id = (SELECT id FROM recipes ORDER BY id LIMIT 1 OFFSET {offset}) RETURNING id"
        )


def remaining(bar: Bar) -> list[object]:
    return [row[0] for row in bar.query("SELECT remaining FROM recipes ORDER BY id LIMIT 2")]


def give_back(database: Database, ids: list[UUID], drinks: list[int]) -> None:
    with database.transaction() as conn:
        recipes.return_stock(conn, ids=ids, drinks=drinks)


def take_one_each(database: Database, ids: list[UUID]) -> None:
    with database.transaction() as conn:
        recipes.lock_counted_recipes(conn, ids=ids)
        recipes.take_stock(conn, ids=ids, drinks=[1] * len(ids))


def test_only_what_is_counted_gets_its_drinks_back(bar: Bar, database: Database, ids: list[UUID]) -> None:
    set_remaining(bar, 0, None)
    give_back(database, ids, [2, 3])
    assert [2, None] == remaining(bar)


def test_givers_and_takers_at_once_lose_nothing(bar: Bar, database: Database, ids: list[UUID]) -> None:
    """Some name the recipes the other way round; unless the query sorts them, that deadlocks."""
    set_remaining(bar, 1000, 1000)

    def one_round(number: int) -> None:
        give_back(database, ids if number % 2 else ids[::-1], [3, 3])
        take_one_each(database, ids)

    with ThreadPoolExecutor(8) as bartenders:
        list(bartenders.map(one_round, range(ROUNDS)))

    assert [1000 + 2 * ROUNDS] * 2 == remaining(bar)
