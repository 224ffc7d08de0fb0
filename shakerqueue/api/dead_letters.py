"""Dead letters, for admins: what could not be stored, with its reason; sent again, or given up."""

from datetime import datetime
from typing import Any

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.dead_letter_schemas import (
    DeadLetterBodySchema,
    DeadLetterChoiceSchema,
    DeadLetterFilterSchema,
    DeadLetterListSchema,
    DeadLettersDiscardedSchema,
    DeadLettersDoneSchema,
)
from shakerqueue.api.guards import allow
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import FieldError, Problem, unavailable
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.discarding import discard, orders_of
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter, Walk
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.outbox import NotConfirmed
from shakerqueue.roles import ADMINS

BROKER_SECONDS = 1.0

blueprint = Blueprint("dead_letters", __name__, url_prefix="/admin/dead-letters", description="Dead letters")


@blueprint.route("")
@allow(ADMINS)
@blueprint.arguments(DeadLetterFilterSchema, location="query")
@blueprint.response(200, DeadLetterListSchema)
@contract(fails=["not_found"])
def list_dead_letters(query: dict[str, Any]) -> dict[str, Any]:
    """Dead letters, the oldest first. A look takes them all and puts them back: no list to poll each second."""
    limit = query.pop("limit")
    found = _dead_letters().find(_filter(**query), limit + 1, request_deadline())
    more = len(found.letters) > limit or not found.complete
    return {"dead_letters": [_summary(letter) for letter in found.letters[:limit]], "more": more}


@blueprint.route("/<other_than(retry, discard):letter_id>")
@allow(ADMINS)
@blueprint.response(200, DeadLetterBodySchema)
def get_dead_letter(letter_id: str) -> dict[str, Any]:
    """One dead letter with its body, as text."""
    found = _dead_letters().find(LetterFilter(ids=frozenset([letter_id])), 1, request_deadline())
    if not found.letters:
        raise Problem(404, "There is no such dead letter.")
    [letter] = found.letters
    return {**_summary(letter), "body": letter.body.decode(errors="backslashreplace")}


@blueprint.route("/retry", methods=["POST"])
@allow(ADMINS)
@blueprint.arguments(DeadLetterChoiceSchema)
@blueprint.response(200, DeadLettersDoneSchema)
@contract(fails=["not_found"])
def retry_dead_letters(body: dict[str, Any]) -> dict[str, Any]:
    """Send letters to the consumers again; each leaves the dead queue once it is safe in the other one."""
    chosen, limit, letters = _choice(body), body["limit"], _dead_letters()
    act = letters.find if body["dry_run"] else letters.retry
    return _done(act(chosen, limit, request_deadline()), body)


@blueprint.route("/discard", methods=["POST"])
@allow(ADMINS)
@blueprint.arguments(DeadLetterChoiceSchema)
@blueprint.response(200, DeadLettersDiscardedSchema)
@contract(fails=["not_found"])
def discard_dead_letters(body: dict[str, Any]) -> dict[str, Any]:
    """Give letters up: their orders are stored as failed, with the reason `discarded`, unless they were stored."""
    chosen, limit, letters = _choice(body), body["limit"], _dead_letters()
    if body["dry_run"]:
        return {**_done(letters.find(chosen, limit, request_deadline()), body), "failed_order_ids": []}
    done = discard(letters, chosen, services().database, limit, request_deadline())
    return {**_done(done.walk, body), "failed_order_ids": done.failed_order_ids}


def _choice(body: dict[str, Any]) -> LetterFilter:
    """Raises Problem where neither a choice nor `all` is given, or both."""
    chosen = _filter(**{name: body[name] for name in ("ids", "reason", "failed_after", "failed_before")})
    if body["all"] == (chosen != LetterFilter()):
        error = FieldError("all", "invalid", "Say which: ids, reason, failed_after or failed_before; or else all.")
        raise Problem(422, error.detail, errors=[error])
    return chosen


def _filter(
    *,
    ids: list[str] | None = None,
    reason: str | None = None,
    failed_after: datetime | None = None,
    failed_before: datetime | None = None,
) -> LetterFilter:
    return LetterFilter(
        ids=None if ids is None else frozenset(ids),
        reason=reason,
        failed_after=failed_after,
        failed_before=failed_before,
    )


def _dead_letters() -> DeadLetters:
    """Raises Problem where there is no broker, or none that answers."""
    letters, publisher = services().dead_letters, services().publisher
    if letters is None or publisher is None:
        raise Problem(404, "This bar runs without a broker: there are no dead letters.")
    try:
        publisher.queue_state(request_deadline().sooner(BROKER_SECONDS))  # it answers: so a new connection will, too
    except NotConfirmed:
        raise unavailable("The broker is away. The letters are safe in it.") from None
    return letters


def _done(walk: Walk, body: dict[str, Any]) -> dict[str, Any]:
    letters = [_summary(letter) for letter in walk.letters]
    return {"dead_letters": letters, "more": not walk.complete, "dry_run": body["dry_run"]}


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "failed_at": letter.failed_at,
        "size_bytes": len(letter.body),
        "order_ids": [order.id for order in orders_of(letter)],
    }
