"""Signing in with address and password, for programs and for pages."""

from shakerqueue.api import cookies
from shakerqueue.api.comparing import is_right
from shakerqueue.api.problems import Problem, unauthorized
from shakerqueue.api.rate_limits import client_network
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.queries.models import User
from shakerqueue.sessions import RightsChanged, SignIn
from shakerqueue.sign_in_attempts import SignInAttempt

NO_ENTRY = "Address and password do not fit."


def known_device() -> str | None:
    """The device that asks, if somebody has signed in on it before."""
    device = cookies.device()
    return None if device.is_new else device.name


def session_of(email: str, password: str) -> SignIn:
    """A new session of whoever has this address and this password, on a device that is known from now on.

    Raises:
        Problem: 401, the same for whatever does not fit.
        TooManyAttempts: the password was not looked at.
    """
    attempt = _begun(email)
    user = attempt.user
    # Unknown, disabled and wrong password cost the same work and get the same answer: nobody learns who exists.
    right = is_right(password, user.password_hash if user else None, attempt.budgets)
    if user is None or not right or user.disabled_at is not None:
        raise _no_entry()
    opened = _opened(attempt, user)
    cookies.remember_device(user)
    return opened


def _begun(email: str) -> SignInAttempt:
    with services().database.transaction(request_deadline()) as conn:
        return services().sign_in_attempts.begin(conn, email=email, network=client_network(), device=cookies.device())


def _opened(attempt: SignInAttempt, user: User) -> SignIn:
    try:
        with services().database.transaction(request_deadline()) as conn:
            services().sign_in_attempts.succeed(conn, attempt)
            return services().sessions.open(conn, user)
    except RightsChanged:
        raise _no_entry() from None


def _no_entry() -> Problem:
    return unauthorized(NO_ENTRY)
