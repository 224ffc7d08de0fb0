"""Loads the recipes and the demo users. Repeating it changes nothing."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from uuid import UUID

from psycopg import Connection

from shakerqueue.queries import recipes, users
from shakerqueue.queries.models import RecipeBuild, UserRole


def load_recipes(conn: Connection[Any]) -> int:
    """Insert the recipes that are missing and return how many those were; one that was edited stays as it is."""
    entries = _read("recipes.json")
    return recipes.insert_recipes_once(
        conn,
        names=[entry["name"] for entry in entries],
        builds=[RecipeBuild(entry["build"]) for entry in entries],
        ingredients=[json.dumps(entry["ingredients"]) for entry in entries],
        allergens=[json.dumps(entry["allergens"]) for entry in entries],
        stations=[entry["station"] for entry in entries],
        prep_seconds=[entry["prep_seconds"] for entry in entries],
    )


def load_demo_users(conn: Connection[Any], hash_password: Callable[[str], str]) -> int:
    """Insert the demo users that are missing and return how many those were. Their passwords and PINs are public."""
    # A hash costs a quarter of a second each, so who is there already is left out before it is made.
    entries = [user for user in _read("users.json") if users.get_user_by_email(conn, email=user["email"]) is None]
    inserted = users.insert_users_once(
        conn,
        usernames=[entry["username"] for entry in entries],
        emails=[entry["email"] for entry in entries],
        password_hashes=[hash_password(entry["password"]) for entry in entries],
        roles=[UserRole(entry["role"]) for entry in entries],
    )
    for entry in entries:
        if "pin" in entry:
            _set_pin(conn, entry["email"], hash_password(entry["pin"]))
    return inserted


def _set_pin(conn: Connection[Any], email: str, pin_hash: str) -> None:
    user = users.get_user_by_email(conn, email=email)
    if user is not None:  # else somebody else has the name
        users.set_pin(conn, id=user.id, token_epoch=user.token_epoch, pin_hash=pin_hash)


def demo_user_ids(conn: Connection[Any], role: UserRole) -> list[UUID]:
    """The demo users who have this role."""
    emails = [user["email"] for user in _read("users.json") if user["role"] == role]
    found = [users.get_user_by_email(conn, email=email) for email in emails]
    return [user.id for user in found if user is not None]


def _read(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((files("seed") / "data" / name).read_text("utf-8"))
    return entries
