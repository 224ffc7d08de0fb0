"""Who may, as the document says it: taken from the guards themselves."""

from collections.abc import Callable
from typing import Any

from shakerqueue.api.guards import GUARD_ATTRIBUTE
from shakerqueue.queries.models import UserRole

SECURITY_SCHEMES: dict[str, dict[str, Any]] = {
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "`token` of `POST /login`. The roles of an operation are those that may: one of them is enough.",
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


def requirements(view: Callable[..., Any]) -> list[dict[str, list[str]]]:
    """The operation's `security`: one of these is needed, or none where anyone may."""
    roles = allowed_roles(view)
    return [] if roles is None else [{scheme: roles} for scheme in SECURITY_SCHEMES]
