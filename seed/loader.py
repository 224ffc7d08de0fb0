"""Loads the recipes and the demo users. Repeating it changes nothing."""

import json
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody whose password and PIN are public."""

    username: str
    email: str
    role: UserRole
    password_hash: str
    pin_hash: str | None


def missing_demo_users(conn: Connection[Any]) -> list[dict[str, Any]]:
    """Who of the demo users is not there yet."""
    return [user for user in _read("users.json") if users.get_user_by_email(conn, email=user["email"]) is None]


def hashed(entries: list[dict[str, Any]], hash_password: Callable[[str], str]) -> list[DemoUser]:
    """The same with hashes. Each costs a quarter of a second and more: no transaction should wait for them."""
    return [
        DemoUser(
            username=entry["username"],
            email=entry["email"],
            role=UserRole(entry["role"]),
            password_hash=hash_password(entry["password"]),
            pin_hash=hash_password(entry["pin"]) if "pin" in entry else None,
        )
        for entry in entries
    ]


def add_demo_users(conn: Connection[Any], demo_users: list[DemoUser]) -> int:
    """Insert those whose name and address are free, and return how many those were."""
    inserted = users.insert_users_once(
        conn,
        usernames=[user.username for user in demo_users],
        emails=[user.email for user in demo_users],
        password_hashes=[user.password_hash for user in demo_users],
        roles=[user.role for user in demo_users],
    )
    for user in demo_users:
        if user.pin_hash:
            _set_pin(conn, user)
    return inserted


def _set_pin(conn: Connection[Any], user: DemoUser) -> None:
    stored = users.get_user_by_email(conn, email=user.email)
    if stored is not None:  # else somebody else has the name
        users.set_pin(conn, id=stored.id, token_epoch=stored.token_epoch, pin_hash=user.pin_hash)


def demo_user_ids(conn: Connection[Any], role: UserRole) -> list[UUID]:
    """The demo users who have this role."""
    emails = [user["email"] for user in _read("users.json") if user["role"] == role]
    found = [users.get_user_by_email(conn, email=email) for email in emails]
    return [user.id for user in found if user is not None]


def _read(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((files("seed") / "data" / name).read_text("utf-8"))
    return entries
