"""Who may, as the document says it: taken from the guards themselves."""

from collections.abc import Callable
from typing import Any

from shakerqueue.api.guards import GUARD_ATTRIBUTE, SCOPE_ATTRIBUTE
from shakerqueue.queries.models import UserRole

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`token` of `POST /login`. The roles of an operation are those that may: one of them is enough.",
    },
    "apiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "sqk_…",
        "description": "A key of an integration, by `POST /api-keys`. An operation's scopes are what it must have.",
    },
    "pageSession": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-access_token",
        "description": "The web pages' sign-in by `POST /session`; over plain HTTP the cookie is `access_token`.",
    },
}


def allowed_roles(view: Callable[..., Any]) -> list[str] | None:
    """The roles that may, in the order of their rights; None where anyone may."""
    roles = getattr(view, GUARD_ATTRIBUTE)
    return None if roles is None else [role.value for role in UserRole if role in roles]


def allowed_scopes(view: Callable[..., Any]) -> list[str] | None:
    """What a key must have; nothing in particular where any key may, None where none may."""
    scope = getattr(view, SCOPE_ATTRIBUTE, None)
    if scope is not None:
        return [scope.value]
    return [] if UserRole.INTEGRATION in (getattr(view, GUARD_ATTRIBUTE) or ()) else None


def requirements(view: Callable[..., Any]) -> list[dict[str, list[str]]]:
    """The operation's `security`: one of these is needed, or none where anyone may."""
    roles, scopes = allowed_roles(view), allowed_scopes(view)
    if roles is None:
        return []
    people = [role for role in roles if role != UserRole.INTEGRATION]
    keys = [] if scopes is None else [{"apiKey": scopes}]
    return [{"accessToken": people}, *keys, {"pageSession": people}]
