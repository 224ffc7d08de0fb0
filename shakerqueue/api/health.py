"""Whether the process lives, and whether it can serve."""

from collections.abc import Callable
from typing import NamedTuple

import structlog
from flask import Response, jsonify

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.health_schemas import LivenessSchema, ReadinessSchema
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.rate_limits import limited
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.errors import Unavailable
from shakerqueue.messaging.outbox import NotConfirmed

PROBE_SECONDS = 1.0
OK = "ok"

log = structlog.get_logger(__name__)
blueprint = Blueprint("health", __name__, description="Health of this process")


class Readiness(NamedTuple):
    """Each part by name: `ok`, or what is wrong with it."""

    parts: dict[str, str]
    intake: bool

    @property
    def status(self) -> str:
        """`ready`: all is well; `degraded`: orders are taken, but not all is well; `not_ready`: they are not."""
        if not self.intake:
            return "not_ready"
        return "ready" if all(state == OK for state in self.parts.values()) else "degraded"


@blueprint.route("/livez")
@public
@limited(None)
@blueprint.response(200, LivenessSchema)
@contract(needs_nothing=True)
def livez() -> dict[str, str]:
    """The process answers. Says nothing of what it depends on."""
    return {"status": "ok"}


@blueprint.route("/readyz")
@public
@limited(None)
@blueprint.response(200, ReadinessSchema)
@blueprint.alt_response(503, schema=ReadinessSchema, description="Orders cannot be taken.")
@contract(needs_nothing=True)
def readyz() -> Response:
    """Each part by name; 200 as long as orders can be taken, though in another way than usual, else 503."""
    readiness = _readiness()
    body = {"status": readiness.status, "intake": readiness.intake, "parts": readiness.parts}
    response = jsonify(body)
    response.status_code = 200 if readiness.intake else 503
    return response


def _readiness() -> Readiness:
    """Orders can be taken while the menu and the secret of their ids are known, and one of two can make them safe."""
    parts = {"database": _state(_probe_database), **_queue_parts(), **_memory_parts()}
    known = all(parts[name] == OK for name in ("menu", "order_ids", "bar"))
    return Readiness(parts, known and OK in (parts["database"], parts.get("broker")))


def _queue_parts() -> dict[str, str]:
    """The broker, and whether anybody persists what it holds; neither where the product runs without a broker."""
    publisher = services().publisher
    if publisher is None:
        return {}
    try:
        queue = publisher.queue_state(request_deadline().sooner(PROBE_SECONDS))
    except NotConfirmed as error:
        return {"broker": error.obstacle, "consumer": "unknown"}
    return {"broker": OK, "consumer": OK if queue.consumers else f"none; {queue.ready} messages wait"}


def _memory_parts() -> dict[str, str]:
    """What the process has to have read."""
    return {
        "menu": OK if services().menu.loaded else "not read yet",
        "bar": OK if services().bar.loaded else "not read yet",
        "order_ids": _state(_probe_order_ids),
        "revocations": "stale: nobody can act as staff" if services().revocations.stale else OK,
    }


def _probe_database() -> None:
    services().database.ping(request_deadline().sooner(PROBE_SECONDS))


def _probe_order_ids() -> None:
    services().order_id_secret.read(request_deadline().sooner(PROBE_SECONDS))


def _state(probe: Callable[[], object]) -> str:
    try:
        probe()
    except Unavailable as error:
        log.warning("probe_failed", part=error.part, reason=error.reason)  # not in the answer: it names hosts
        return "unavailable"
    return OK
