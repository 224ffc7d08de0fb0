"""Who may: declared above each view, checked before anything else of the request is looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request

from shakerqueue.api import cookies
from shakerqueue.api.blueprints import QUERY_ATTRIBUTE
from shakerqueue.api.problems import FieldError, Problem, unauthorized, unavailable
from shakerqueue.api.services import services
from shakerqueue.api.tokens import InvalidToken, Principal
from shakerqueue.queries.models import UserRole
from shakerqueue.revocations import Revocations

View = TypeVar("View", bound=Callable[..., Any])
GUARD_ATTRIBUTE = "shakerqueue_guard"
OWN_PAGES_ATTRIBUTE = "shakerqueue_own_pages"


def allow(roles: frozenset[UserRole]) -> Callable[[View], View]:
    """Only principals with one of these roles; `principal()` then says who it is."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.principal = _entitled(signed_in_principal(), roles)
            _refuse_unknown_query(view)
            return view(*args, **kwargs)

        setattr(guarded, GUARD_ATTRIBUTE, roles)
        return cast("View", guarded)

    return decorate


def public(view: View) -> View:
    """Anyone, signed in or not. Said aloud, so that a forgotten guard can be told from an open route."""

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        _refuse_unknown_query(view)
        return view(*args, **kwargs)

    setattr(open_to_all, GUARD_ATTRIBUTE, None)
    return cast("View", open_to_all)


def page(view: View) -> View:
    """A page, for anyone; people pass its address on with whatever they append to it."""
    setattr(view, GUARD_ATTRIBUTE, None)
    return view


def own_pages(view: View) -> View:
    """Anyone, signed in or not, but only through a page of our own: the answer sets cookies."""

    @wraps(view)
    def open_to_own_pages(*args: Any, **kwargs: Any) -> Any:
        cookies.refuse_other_origins()
        return view(*args, **kwargs)

    setattr(open_to_own_pages, OWN_PAGES_ATTRIBUTE, True)
    return public(cast("View", open_to_own_pages))


def principal() -> Principal:
    """Who is asking; only below `allow`."""
    return cast("Principal", g.principal)


def _entitled(who: Principal, roles: frozenset[UserRole]) -> Principal:
    """Whoever may, with the rights that they have at this moment.

    While it is not known who was demoted or shut out lately, everyone has a guest's rights and nobody more.
    """
    if who.role not in roles:
        raise Problem(403, "Your role may not do this.")
    if who.role is UserRole.CUSTOMER or not services().revocations.stale:
        return who
    if UserRole.CUSTOMER not in roles:
        raise unavailable("Nobody can act as staff at the moment. Try again shortly.")
    return who._replace(role=UserRole.CUSTOMER)


def _refuse_unknown_query(view: View) -> None:
    """A view that declares query parameters checks them itself; any other takes none. Only after who may."""
    if request.args and not hasattr(view, QUERY_ATTRIBUTE):
        errors = [FieldError(name, "invalid", "Unknown field.") for name in request.args]
        raise Problem(422, "This route takes no such query parameters.", errors=errors)


def signed_in_principal() -> Principal:
    """Who asks.

    Raises:
        Problem: 401, nobody whom we know; 403, another site's page asks.
    """
    try:
        who = services().tokens.principal(_presented_token())
    except InvalidToken as error:
        raise unauthorized(str(error)) from None
    if is_revoked(who, services().revocations):
        raise unauthorized("The token was revoked: sign in again.")
    return who


def _presented_token() -> str:
    """The token of the header or, from our own pages, of the cookie."""
    header = request.headers.get("Authorization")
    if header is None and (token := cookies.access_token()):
        return token
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send the header: Authorization: Bearer <token>.")
    return token


def is_revoked(who: Principal, revocations: Revocations) -> bool:
    """Whether the sign-in or the rights by which they came are good no more."""
    return revocations.cover(user_id=who.id, token_epoch=who.token_epoch, session_id=who.session_id)
