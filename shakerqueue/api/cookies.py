"""The tokens of the web pages: in cookies that no script can read and no other site can make a browser send."""

from flask import Response, after_this_request, request

from shakerqueue.api.problems import Problem
from shakerqueue.api.services import services
from shakerqueue.api.tokens import AccessToken
from shakerqueue.devices import Device
from shakerqueue.queries.models import User
from shakerqueue.sessions import SignIn

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
REFRESH_PATH = "/session"  # the one place that the refresh token is sent to
DEVICE_SECONDS = 180 * 86_400  # after the last sign-in


def set_cookies(response: Response, sign_in: SignIn, access: AccessToken) -> Response:
    """Let the browser keep what somebody got who signed in, each for as long as it is good."""
    _set(response, _access_name(), access.token, "/", access.seconds)
    _set(response, _refresh_name(), sign_in.refresh_token, REFRESH_PATH, int(sign_in.left.total_seconds()))
    return response


def clear_cookies(response: Response) -> Response:
    _set(response, _access_name(), "", "/", 0)
    _set(response, _refresh_name(), "", REFRESH_PATH, 0)
    return response


def access_token() -> str | None:
    """The access token that came as a cookie.

    Raises:
        Problem: 403 cross_origin, another site's page made the browser send it.
    """
    token = request.cookies.get(_access_name())
    if token and request.method not in SAFE_METHODS:
        refuse_other_origins()
    return token


def refresh_token() -> str | None:
    return request.cookies.get(_refresh_name())


def device() -> Device:
    """The device that asks. What it says opens nothing, so it matters little who made it say so."""
    return services().devices.parse(request.cookies.get(_device_name()))


def remember_device(user: User) -> None:
    """Let the device keep that this user has signed in on it, with this request's answer."""
    marked = services().devices.marked(device(), user)

    @after_this_request
    def set_cookie(response: Response) -> Response:
        _set(response, _device_name(), str(marked), "/", DEVICE_SECONDS)
        return response


def refuse_other_origins() -> None:
    """Let pass what a page of our own sent; an unsafe request that lives on a cookie needs that.

    What browsers say by themselves, and no page can change: `Sec-Fetch-Site` (W3C Fetch Metadata) or, where there is
    none, as over plain HTTP in a bar's own network, `Origin` (RFC 6454). Nothing is kept that could grow stale.

    Raises:
        Problem: 403 cross_origin.
    """
    site = request.headers.get("Sec-Fetch-Site")
    own_origins = (f"https://{request.host}", f"http://{request.host}")  # a proxy may have ended the TLS
    if not (site == "same-origin" if site else request.headers.get("Origin") in own_origins):
        raise Problem(403, "Only ShakerQueue's own pages may do this with a cookie.", code="cross_origin")


def _set(response: Response, name: str, value: str, path: str, max_age_seconds: int) -> None:
    secure = services().settings.secure_cookies
    response.set_cookie(
        name, value, max_age=max_age_seconds, path=path, secure=secure, httponly=True, samesite="Strict"
    )


def _access_name() -> str:
    # The prefix makes browsers refuse it from a neighbouring host or over plain HTTP (RFC 6265bis, 4.1.3).
    return "__Host-access_token" if services().settings.secure_cookies else "access_token"


def _device_name() -> str:
    return "__Host-device" if services().settings.secure_cookies else "device"


def _refresh_name() -> str:
    return "__Secure-refresh_token" if services().settings.secure_cookies else "refresh_token"
