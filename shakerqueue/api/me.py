"""One's own account."""

from typing import Any

from flask import Response

from shakerqueue import attempts
from shakerqueue.api import cookies
from shakerqueue.api.account_schemas import PasswordChangeSchema, PinSchema, SignInSchema, UserSchema
from shakerqueue.api.auth import signed_in
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.comparing import is_right
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.queries import users
from shakerqueue.queries.models import User
from shakerqueue.roles import EVERYONE, PEOPLE, STAFF
from shakerqueue.sessions import SignIn

blueprint = Blueprint("me", __name__, url_prefix="/me", description="One's own account")


@blueprint.route("")
@allow(EVERYONE)
@blueprint.response(200, UserSchema)
@contract(fails=["not_found"])
def get_me() -> User:
    """Who is asking."""
    return _me()


@blueprint.route("", methods=["PATCH"])
@allow(PEOPLE)
@blueprint.arguments(PasswordChangeSchema)
@blueprint.response(200, SignInSchema, headers=["Set-Cookie"])
@contract(fails=["forbidden", "not_found", "wrong_password", "conflict"])
def change_password(body: dict[str, Any]) -> dict[str, Any]:
    """Change the password; the old one is needed. Every session ends, and the answer holds the tokens of a new one."""
    if principal().table is not None:
        raise Problem(403, "A table's guest has no password.")
    user = _me()
    _check_password(user, body["old_password"], field="old_password")
    changed = _with_password(user, services().passwords.hash(body["password"]))
    cookies.remember_device(changed.user)  # by the new password all devices are forgotten
    return signed_in(changed)


@blueprint.route("/pin", methods=["PUT"])
@allow(STAFF)
@blueprint.arguments(PinSchema)
@blueprint.response(204)
@contract(fails=["not_found", "wrong_password", "conflict"])
def set_pin(body: dict[str, Any]) -> Response:
    """Set the PIN by which a shared tablet is switched to oneself. What the PIN of before opened ends."""
    user = _me()
    _check_password(user, body["password"], field="password")
    pin_hash = services().passwords.hash(body["pin"])
    with services().database.connection(request_deadline()) as conn:
        if not users.set_pin(conn, id=user.id, token_epoch=user.token_epoch, pin_hash=pin_hash):
            raise _changed_meanwhile()
    return Response(status=204)


@blueprint.route("/pin", methods=["DELETE"])
@allow(STAFF)
@blueprint.response(204)
def remove_pin() -> Response:
    """Have no PIN any more. It needs no password, for it only takes away: whoever fears for a PIN is rid of it."""
    with services().database.connection(request_deadline()) as conn:
        users.remove_pin(conn, id=principal().id)
    return Response(status=204)


def _check_password(user: User, password: str, *, field: str) -> None:
    """Make sure that it is the user themselves: a session may have been left open, or opened by a PIN.

    Raises:
        Problem: 422 wrong_password, which names the field.
        TooManyAttempts: too many were wrong.
    """
    budget = attempts.passwords_of(user.id)
    with services().database.transaction(request_deadline()) as conn:
        left = attempts.reserve(conn, budget)
    if not is_right(password, user.password_hash, [budget]):
        error = FieldError(field, "wrong_password", "This is not the password.")
        raise Problem(422, error.detail, code=error.code, errors=[error], attempts_left=left)
    with services().database.connection(request_deadline()) as conn:
        attempts.clear(conn, budget)


def _with_password(user: User, password_hash: str) -> SignIn:
    with services().database.transaction(request_deadline()) as conn:
        changed = users.update_password(conn, id=user.id, token_epoch=user.token_epoch, password_hash=password_hash)
        if changed is None:
            raise _changed_meanwhile()
        return services().sessions.open(conn, changed)


def _me() -> User:
    with services().database.connection(request_deadline()) as conn:
        user = users.get_user(conn, id=principal().id)
    if user is None:
        raise Problem(404, "You have no account.")
    return user


def _changed_meanwhile() -> Problem:
    return Problem(409, "Your account was changed at the same time. Look again, and repeat it.")
