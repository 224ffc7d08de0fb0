"""A tablet that the staff shares: signed in once with a password, then switched from one to the next by PINs."""

from typing import Any, NamedTuple
from uuid import UUID

from flask import Response

from shakerqueue import attempts
from shakerqueue.api.account_schemas import ColleaguesSchema, PageSessionSchema, SwitchSchema
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.comparing import is_right
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import FieldError, Problem, unauthorized
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.session import begun
from shakerqueue.queries import sessions, users
from shakerqueue.queries.models import User
from shakerqueue.roles import STAFF
from shakerqueue.sessions import RightsChanged, SignIn

blueprint = Blueprint("tablet", __name__, url_prefix="/session", description="Taking turns at a tablet, by PIN")


class Attempt(NamedTuple):
    """A PIN that was typed, before it is compared."""

    tablet_id: UUID  # the session that the tablet was signed in with
    user_id: UUID
    colleague: User | None  # None where nobody who has a PIN is meant
    attempts_left: int  # if this one is wrong


@blueprint.route("/colleagues")
@allow(STAFF)
@blueprint.response(200, ColleaguesSchema)
def list_colleagues() -> dict[str, list[User]]:
    """Who can be switched to: everyone of the staff who has a PIN, by name."""
    with services().database.connection(request_deadline()) as conn:
        return {"colleagues": users.list_colleagues(conn)}


@blueprint.route("/switch", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(SwitchSchema)
@blueprint.response(200, PageSessionSchema, headers=["Set-Cookie"])
@contract(fails=["wrong_pin"])
def switch(body: dict[str, Any]) -> Response:
    """Go on as a colleague, by their PIN, with an employee's rights. Whom the tablet acted for before is out."""
    attempt = _attempt(body["user_id"])
    if not _is_right(body["pin"], attempt):
        raise _wrong_pin(attempt)
    return begun(_switched(attempt))


def _attempt(user_id: UUID) -> Attempt:
    """One more try, counted as failed until it has succeeded.

    Raises:
        Problem: 401, the session is over.
        TooManyAttempts: for this user or on this tablet.
    """
    with services().database.transaction(request_deadline()) as conn:
        tablet_id = sessions.get_root_session_id(conn, id=principal().credential_id)
        if tablet_id is None:
            raise unauthorized("This session is over: sign in again.")
        left = attempts.reserve(conn, attempts.pins_on(tablet_id), attempts.pins_of(user_id))
        return Attempt(tablet_id, user_id, users.get_colleague(conn, id=user_id), left)


def _is_right(pin: str, attempt: Attempt) -> bool:
    # Whoever cannot be switched to costs the same work and gets the same answer as a wrong PIN.
    known_hash = attempt.colleague.pin_hash if attempt.colleague else None
    return is_right(pin, known_hash, [attempts.pins_on(attempt.tablet_id), attempts.pins_of(attempt.user_id)])


def _wrong_pin(attempt: Attempt) -> Problem:
    """No 401: the page's own session is as good as before."""
    error = FieldError("pin", "wrong_pin", "This is not the PIN.")
    return Problem(422, error.detail, code=error.code, errors=[error], attempts_left=attempt.attempts_left)


def _switched(attempt: Attempt) -> SignIn:
    """The colleague's session.

    Their own failures are forgotten. Those on the tablet are not: else whoever has a PIN could guess at others' between
    two right ones.
    """
    assert attempt.colleague is not None, "only somebody's PIN matches"  # noqa: S101
    try:
        with services().database.transaction(request_deadline()) as conn:
            attempts.give_back(conn, attempts.pins_on(attempt.tablet_id))
            attempts.clear(conn, attempts.pins_of(attempt.user_id))
            return services().sessions.open_by_pin(conn, attempt.colleague, attempt.tablet_id)
    except RightsChanged:
        raise _wrong_pin(attempt) from None
