"""Signing up, in and out, and staying signed in."""

from typing import Any

from flask import Response

from shakerqueue.accounts import add_person
from shakerqueue.api.account_schemas import LoginSchema, RefreshSchema, RegisterSchema, SignInSchema
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal, public
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.problems import unauthorized
from shakerqueue.api.rate_limits import REGISTER, SESSION, SIGN_IN, limited
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.signing_in import known_device, session_of
from shakerqueue.api.tokens import make_access_token
from shakerqueue.queries import sessions
from shakerqueue.queries.models import UserRole
from shakerqueue.roles import PEOPLE
from shakerqueue.sessions import SessionEnded, SignIn

blueprint = Blueprint("auth", __name__, description="Signing up, in and out")


@blueprint.route("/register", methods=["POST"])
@public
@limited(REGISTER)
@blueprint.arguments(RegisterSchema)
@blueprint.response(201, SignInSchema)
@contract(fails=["taken"])
def register(body: dict[str, Any]) -> dict[str, Any]:
    """Become a customer, signed in at once. A username or address that is taken is a 409 naming it."""
    password_hash = services().passwords.hash(body.pop("password"))
    with services().database.transaction(request_deadline()) as conn:
        user = add_person(conn, **body, password_hash=password_hash, role=UserRole.CUSTOMER)
        return signed_in(services().sessions.open(conn, user))


@blueprint.route("/login", methods=["POST"])
@public
@limited(SIGN_IN, caller=known_device)
@blueprint.arguments(LoginSchema)
@blueprint.response(200, SignInSchema, headers=["Set-Cookie"])
@contract(fails=["unauthorized"])
def login(credentials: dict[str, Any]) -> dict[str, Any]:
    """Sign in with address and password. The cookie makes this device known: what others try does not hold it up."""
    return signed_in(session_of(**credentials))


@blueprint.route("/token/refresh", methods=["POST"])
@public
@limited(SESSION)
@blueprint.arguments(RefreshSchema)
@blueprint.response(200, SignInSchema)
@contract(fails=["unauthorized"])
def refresh_token(body: dict[str, Any]) -> dict[str, Any]:
    """Exchange a refresh token for a new pair. It is good once; used again after 20 seconds, it ends the session."""
    try:
        with services().database.connection(request_deadline()) as conn:
            return signed_in(services().sessions.refresh(conn, body["refresh_token"]))
    except SessionEnded:
        raise unauthorized("The refresh token is not good, or no longer: sign in again.") from None


@blueprint.route("/logout", methods=["POST"])
@allow(PEOPLE)
@blueprint.response(204)
def logout() -> Response:
    """End the session: its refresh token at once, its access tokens within about a second."""
    with services().database.connection(request_deadline()) as conn:
        sessions.revoke_session(conn, id=principal().credential_id)
    return Response(status=204)


def signed_in(sign_in: SignIn) -> dict[str, Any]:
    """The answer to whoever may in."""
    access = make_access_token(sign_in)
    return {
        "user": sign_in.user,
        "token": access.token,
        "expires_in": access.seconds,
        "refresh_token": sign_in.refresh_token,
    }
