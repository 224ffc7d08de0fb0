"""The seed: real recipes, three demo users, and nothing changes when it is repeated."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from seed.loader import load_recipes, missing_demo_users
from tests.support.bar import Bar

# The six of the original's menu, and its README's example.
ORIGINALS = {"Old Fashioned", "Daiquiri", "Sidecar", "Martini", "Tom Collins", "Clover Club", "Margarita"}


@pytest.fixture
def conn(bar: Bar) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(bar.database_url) as conn:
        yield conn


def test_the_menu_has_the_classics(bar: Bar) -> None:
    names = {row[0] for row in bar.query("SELECT name FROM recipes")}
    assert len(names) >= 40
    assert names >= ORIGINALS


def test_every_recipe_is_complete(bar: Bar) -> None:
    broken = bar.query(
        "SELECT name FROM recipes WHERE prep_seconds NOT BETWEEN 20 AND 300 OR jsonb_array_length(ingredients) < 2"
        " OR EXISTS (SELECT FROM jsonb_array_elements(ingredients) AS i"
        "   WHERE i->>'name' IS NULL OR (i->>'amount')::numeric <= 0 OR i->>'unit' IS NULL)"
    )
    assert [] == broken


def test_what_must_be_said_of_allergens_is_said(bar: Bar) -> None:
    """What a guest may not drink is found by its ingredient, whatever the recipe claims."""
    unsaid = bar.query(
        "SELECT name, needed FROM recipes, (VALUES ('egg', '%egg%'), ('milk', 'cream'), ('fish', 'worcestershire%'),"
        " ('sulphites', '%vermouth%'), ('nuts', 'orgeat%')) AS rule (needed, ingredient)"
        " WHERE EXISTS (SELECT FROM jsonb_array_elements(ingredients) AS i WHERE lower(i->>'name') LIKE ingredient)"
        " AND NOT needed = ANY(allergens)"
    )
    assert [] == unsaid


def test_seeding_again_changes_nothing(bar: Bar, conn: psycopg.Connection[Any]) -> None:
    conn.execute("UPDATE recipes SET prep_seconds = 99 WHERE name = 'Margarita'")
    assert (0, []) == (load_recipes(conn), missing_demo_users(conn))
    assert (99,) == conn.execute("SELECT prep_seconds FROM recipes WHERE name = 'Margarita'").fetchone()


@pytest.mark.parametrize(("environment", "users"), [("test", 3), ("production", 0)])
def test_demo_users_are_made_outside_production_only(bar: Bar, environment: str, users: int) -> None:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("DELETE FROM users")
    settings = {**bar.environment(port=1), "SHAKERQUEUE_ENV": environment}
    settings["BCRYPT_COST"] = "12" if environment == "production" else "4"

    ran = subprocess.run(
        [sys.executable, "-m", "seed"], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )

    assert users == bar.query("SELECT count(*)::int FROM users")[0][0]
    assert ("refused" in ran.stdout) is (environment == "production")
