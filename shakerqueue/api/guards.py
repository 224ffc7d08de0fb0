"""Who may: declared above each view, checked before anything else of the request is looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request

from shakerqueue.api import cookies, rate_limits
from shakerqueue.api.blueprints import QUERY_ATTRIBUTE
from shakerqueue.api.principals import Principal, program
from shakerqueue.api.problems import FieldError, Problem, unauthorized, unavailable
from shakerqueue.api.request_context import note_principal
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import Services, services
from shakerqueue.api.tokens import InvalidToken
from shakerqueue.api_keys import MARK, InvalidApiKey
from shakerqueue.errors import Unavailable
from shakerqueue.queries.models import UserRole
from shakerqueue.scopes import Scope

View = TypeVar("View", bound=Callable[..., Any])
GUARD_ATTRIBUTE = "shakerqueue_guard"
SCOPE_ATTRIBUTE = "shakerqueue_scope"
OWN_PAGES_ATTRIBUTE = "shakerqueue_own_pages"


def allow(roles: frozenset[UserRole], scope: Scope | None = None) -> Callable[[View], View]:
    """Only people of these roles, and programs whose key has the scope; `principal()` then says who it is.

    A key of any scope will do where the roles include that of integrations.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            g.principal = entitled(_counted_principal(), roles, scope)
            _refuse_unknown_query(view)
            return view(*args, **kwargs)

        setattr(guarded, GUARD_ATTRIBUTE, roles)
        setattr(guarded, SCOPE_ATTRIBUTE, scope)
        return cast("View", guarded)

    return decorate


def public(view: View) -> View:
    """Anyone, signed in or not. Said aloud, so that a forgotten guard can be told from an open route."""
    limit = rate_limits.limit_of(view)
    count = limit.count_request if limit else _count_anybody

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        count()
        _refuse_unknown_query(view)
        return view(*args, **kwargs)

    setattr(open_to_all, GUARD_ATTRIBUTE, None)
    return cast("View", open_to_all)


def page(view: View) -> View:
    """A page, for anyone; people pass its address on with whatever they append to it."""

    @wraps(view)
    def shown_to_all(*args: Any, **kwargs: Any) -> Any:
        _count_anybody()
        return view(*args, **kwargs)

    setattr(shown_to_all, GUARD_ATTRIBUTE, None)
    return cast("View", shown_to_all)


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


def _counted_principal() -> Principal:
    """Who asks, with one more request of theirs. Whoever shows nothing good is counted by their address alone."""
    try:
        who = signed_in_principal()
    except (Problem, Unavailable):
        rate_limits.count_address()
        raise
    rate_limits.count_principal(who)
    return who


def _count_anybody() -> None:
    """One more request of whoever is signed in, or else of the address, where it matters to nobody but the count."""
    try:
        who = signed_in_principal()
    except (Problem, Unavailable):
        rate_limits.count_address()
    else:
        rate_limits.count_principal(who)


def entitled(who: Principal, roles: frozenset[UserRole], scope: Scope | None) -> Principal:
    """Whoever may, with the rights that they have at this moment.

    While it is not known who was demoted or shut out lately, all people have a guest's rights and nobody more. Keys
    that are known go on.
    """
    if who.is_program and scope is not None:
        _refuse_without(scope, who)
        return who
    if who.role not in roles:
        raise Problem(403, "API keys may not do this." if who.is_program else "Your role may not do this.")
    if who.is_program or who.role is UserRole.CUSTOMER or not services().revocations.stale:
        return who
    if UserRole.CUSTOMER not in roles:
        raise unavailable("Nobody can act as staff at the moment. Try again shortly.")
    return who._replace(role=UserRole.CUSTOMER)


def _refuse_without(scope: Scope, who: Principal) -> None:
    """RFC 6750, section 3.1: the answer names the scope that is missing."""
    if scope not in who.scopes:
        headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
        raise Problem(403, f"This needs a key with the scope {scope}.", code="insufficient_scope", headers=headers)


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
    header = request.headers.get("Authorization")
    if header is not None:
        return bearer_principal(header)
    return _known(cookies.access_token(), may_be_key=False)


def bearer_principal(header: str) -> Principal:
    """Who shows this in an Authorization header of our scheme (RFC 6750, section 2.1).

    Raises:
        Problem: 401, nobody whom we know.
    """
    scheme, _, credential = header.partition(" ")
    return _known(credential.strip(" ") if scheme.lower() == "bearer" else None, may_be_key=True)


def _known(credential: str | None, *, may_be_key: bool) -> Principal:
    if not credential:
        raise unauthorized("Send the header: Authorization: Bearer <token or API key>.")
    try:
        if may_be_key and credential.startswith(MARK):
            who = program(services().api_keys.find(credential, request_deadline()))
        else:
            who = services().tokens.principal(credential)
    except (InvalidToken, InvalidApiKey) as error:
        raise unauthorized(str(error)) from None
    note_principal(who)
    if not who.is_program and is_revoked(who, services()):
        raise unauthorized("The token was revoked: sign in again.")
    return who


def is_revoked(who: Principal, services: Services) -> bool:
    """Whether the key, the sign-in or the rights by which they came are good no more."""
    if who.is_program:
        return not services.api_keys.holds(who.credential_id)
    return services.revocations.cover(user_id=who.id, token_epoch=who.token_epoch, session_id=who.credential_id)
