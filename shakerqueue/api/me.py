"""One's own account."""

from typing import Any

from shakerqueue.api.account_schemas import PasswordChangeSchema, SignInSchema, UserSchema
from shakerqueue.api.auth import signed_in
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.queries import users
from shakerqueue.queries.models import User
from shakerqueue.roles import EVERYONE, PEOPLE
from shakerqueue.sessions import SignIn

blueprint = Blueprint("me", __name__, url_prefix="/me", description="One's own account")


@blueprint.route("")
@allow(EVERYONE)
@blueprint.response(200, UserSchema)
def get_me() -> User:
    """Who is asking."""
    return _me()


@blueprint.route("", methods=["PATCH"])
@allow(PEOPLE)
@blueprint.arguments(PasswordChangeSchema)
@blueprint.response(200, SignInSchema)
def change_password(body: dict[str, Any]) -> dict[str, Any]:
    """Change the password; the old one is needed. Every session ends, and the answer holds the tokens of a new one."""
    if principal().table is not None:
        raise Problem(403, "A table's guest has no password.")
    user = _me()
    if not services().passwords.matches(body["old_password"], user.password_hash):
        error = FieldError("old_password", "wrong_password", "This is not the password.")
        raise Problem(422, error.detail, code=error.code, errors=[error])
    return signed_in(_with_password(user, services().passwords.hash(body["password"])))


def _with_password(user: User, password_hash: str) -> SignIn:
    with services().database.transaction(request_deadline()) as conn:
        changed = users.update_password(conn, id=user.id, token_epoch=user.token_epoch, password_hash=password_hash)
        if changed is None:
            raise Problem(409, "Your account was changed at the same time. Look again, and repeat it.")
        return services().sessions.open(conn, changed)


def _me() -> User:
    with services().database.connection(request_deadline()) as conn:
        user = users.get_user(conn, id=principal().id)
    if user is None:
        raise Problem(404, "You have no account.")
    return user
