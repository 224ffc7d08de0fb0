"""Whether the process lives, and whether it can serve."""

from typing import Any

from flask import Response, jsonify

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable

PING_SECONDS = 1.0

blueprint = Blueprint("health", __name__, description="Health of this process")


@blueprint.route("/livez")
@public
@blueprint.response(200)
def livez() -> dict[str, str]:
    """The process answers. Says nothing of what it depends on."""
    return {"status": "ok"}


@blueprint.route("/readyz")
@public
@blueprint.response(200)
def readyz() -> Response:
    """Each part by name; 200 when orders can be taken and be followed, else 503."""
    parts = {
        "database": _database_state(),
        "broker": _broker_state(),
        "menu": _menu_state(),
        "revocations": _revocations_state(),
    }
    ready = all(state == "ok" for state in parts.values())
    response = jsonify(_readiness(parts, ready=ready))
    response.status_code = 200 if ready else 503
    return response


def _readiness(parts: dict[str, str], *, ready: bool) -> dict[str, Any]:
    return {"status": "ready" if ready else "not_ready", "parts": parts}


def _database_state() -> str:
    try:
        services().database.ping(Deadline.after(PING_SECONDS))
        services().order_id_secret.read()
    except Unavailable:
        return "unavailable"
    return "ok"


def _broker_state() -> str:
    return "ok" if services().publisher.connected else "unavailable"


def _menu_state() -> str:
    return "ok" if services().menu.loaded else "not_loaded"


def _revocations_state() -> str:
    return "stale" if services().revocations.stale else "ok"
