"""The session of a web page: signed in by cookies, so that no script ever holds a token."""

import time
from typing import Any

from flask import Response, jsonify

from shakerqueue.api import cookies
from shakerqueue.api.account_schemas import LoginSchema, PageSessionSchema
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, own_pages, principal, public, signed_in_principal
from shakerqueue.api.guest_passes import guest_pass
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.principals import Principal
from shakerqueue.api.problems import Problem, unauthorized
from shakerqueue.api.rate_limits import SESSION, SIGN_IN, limited
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.signing_in import known_device, session_of
from shakerqueue.api.table_schemas import TableLinkSchema
from shakerqueue.api.tokens import make_access_token
from shakerqueue.queries import sessions, users
from shakerqueue.queries.models import User
from shakerqueue.roles import PEOPLE
from shakerqueue.sessions import SessionEnded, SignIn

blueprint = Blueprint("session", __name__, url_prefix="/session", description="The web pages' sign-in, by cookies")

_schema = PageSessionSchema()


def _refreshed_session() -> str | None:
    """The session that the browser wants to go on with, as far as its cookie is ours."""
    session_id = services().sessions.of(cookies.refresh_token() or "")
    return str(session_id) if session_id else None


@blueprint.route("", methods=["POST"])
@own_pages
@limited(SIGN_IN, caller=known_device)
@blueprint.arguments(LoginSchema)
@blueprint.response(200, PageSessionSchema, headers=["Set-Cookie"])
@contract(fails=["unauthorized"])
def sign_in(credentials: dict[str, Any]) -> Response:
    """Sign a browser in with address and password."""
    return begun(session_of(**credentials))


@blueprint.route("")
@public
@blueprint.response(200, PageSessionSchema)
def get_session() -> dict[str, Any]:
    """Who is signed in, with which role, and for how many seconds; nulls for nobody, which is no error to ask."""
    who = _signed_in_person()
    if who is None:
        return {"refreshable": cookies.refresh_token() is not None}
    with services().database.connection(request_deadline()) as conn:
        user = users.get_user(conn, id=who.id)
    return _session_json(user, who, int(who.expires_at - time.time()))


@blueprint.route("/table", methods=["POST"])
@own_pages
@limited(SESSION)
@blueprint.arguments(TableLinkSchema)
@blueprint.response(200, PageSessionSchema, headers=["Set-Cookie"])
@contract(fails=["link_not_good", "signed_in", "unauthorized"])
def open_guest_pass(body: dict[str, Any]) -> Response:
    """Let a guest in by a table's link. Who has a pass of this table keeps it; who has an account keeps acting for it.

    409 signed_in: the browser acts for somebody with an account. 429: too many came by this link lately.
    """
    return begun(guest_pass(body["link"], cookies.refresh_token() or ""))


@blueprint.route("/refresh", methods=["POST"])
@own_pages
@limited(SESSION, caller=_refreshed_session)
@blueprint.response(200, PageSessionSchema, headers=["Set-Cookie"])
@contract(fails=["unauthorized"])
def refresh_session() -> Response:
    """Go on for another access token's life."""
    try:
        with services().database.connection(request_deadline()) as conn:
            return begun(services().sessions.refresh(conn, cookies.refresh_token() or ""))
    except SessionEnded:
        raise unauthorized("This browser is not signed in, or no longer.") from None


@blueprint.route("", methods=["DELETE"])
@allow(PEOPLE)
@blueprint.response(204, headers=["Set-Cookie"])
def sign_out() -> Response:
    """End the session, and let the browser forget it."""
    with services().database.connection(request_deadline()) as conn:
        sessions.revoke_session(conn, id=principal().credential_id)
    return cookies.clear_cookies(Response(status=204))


def begun(sign_in: SignIn) -> Response:
    """The answer to a browser that is signed in from now on."""
    access = make_access_token(sign_in)
    said = _session_json(sign_in.user, sign_in, access.seconds)
    return cookies.set_cookies(jsonify(_schema.dump(said)), sign_in, access)


def _signed_in_person() -> Principal | None:
    """None for nobody, and for a program, which has no session."""
    try:
        who = signed_in_principal()
    except Problem:
        return None
    return None if who.is_program else who


def _session_json(user: User | None, acting: Principal | SignIn, seconds: int) -> dict[str, Any]:
    return {"user": user, "role": acting.role, "table": acting.table, "expires_in": seconds, "refreshable": True}
