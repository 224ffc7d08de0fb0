"""Signing in."""

from typing import Any

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.problems import unauthorized
from shakerqueue.api.schemas import LoginAnswerSchema, LoginSchema
from shakerqueue.api.services import services
from shakerqueue.api.tokens import make_access_token
from shakerqueue.queries import users
from shakerqueue.queries.models import User

blueprint = Blueprint("auth", __name__, description="Signing in")


@blueprint.route("/login", methods=["POST"])
@public
@blueprint.arguments(LoginSchema)
@blueprint.response(200, LoginAnswerSchema)
def login(credentials: dict[str, Any]) -> dict[str, Any]:
    """Sign in with address and password."""
    user = _authenticated(**credentials)
    return {
        "user": user,
        "token": make_access_token(user),
        "expires_in": services().settings.access_token_seconds,
    }


def _authenticated(email: str, password: str) -> User:
    with services().database.connection() as conn:
        user = users.get_user_by_email(conn, email=email)
    # Unknown, disabled and wrong password cost the same work and get the same answer: nobody learns who exists.
    matches = services().passwords.matches(password, user.password_hash if user else None)
    if user is None or not matches or user.disabled_at is not None:
        raise unauthorized("Address and password do not fit.")
    return user
