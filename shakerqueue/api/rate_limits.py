"""How often somebody may ask: counted by the guards, told in the answers' headers.

Whoever is signed in is counted by who they are, and all else by the address that it comes from. In a bar hundreds of
guests share one, so an address has room for all of them; and as one of them may use it up, whatever keeps the bar
working is counted by something that others lack.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, NamedTuple, TypeVar

from flask import Flask, Response, g, request

from shakerqueue.api.principals import Principal
from shakerqueue.api.problems import Problem
from shakerqueue.api.services import services
from shakerqueue.request_counts import Count, Policy
from shakerqueue.telemetry.metrics import RATE_LIMITED

View = TypeVar("View", bound=Callable[..., Any])
LIMIT_ATTRIBUTE = "shakerqueue_rate_limit"

PRINCIPAL = Policy("principal", limit=1_000, window_seconds=10)
ADDRESS = Policy("address", limit=6_000, window_seconds=10)
SIGN_IN = Policy("sign-in", limit=120, window_seconds=60)  # a shift of thirty on new devices, who come back three times
REGISTER = Policy("register", limit=60, window_seconds=60)  # each costs a password hash
SESSION = Policy("session", limit=1_200, window_seconds=60)  # after an outage all of a bar's pages come at once

HEADERS = ("RateLimit", "RateLimit-Policy")  # draft-ietf-httpapi-ratelimit-headers-11
NETWORK_BITS = 64  # of an IPv6 address: whoever has one has the network that it is in

# As some proxies write an address into `X-Forwarded-For`; the port is another one for each connection.
_WITH_PORT = re.compile(r"([\d.]+):\d+|\[([^\]]*)\](?::\d+)?")


class Limit(NamedTuple):
    """How the requests of a view that is open to all are counted."""

    policy: Policy | None  # None: not at all
    caller: Callable[[], str | None]  # as whose; None: as those of the address

    def count_request(self) -> None:
        """One more request.

        Raises:
            Problem: 429, they were too many.
        """
        if self.policy is not None:
            _count(self.policy, self.caller() or client_network())


def _stranger() -> None:
    """Nobody whom we know."""


def limited(policy: Policy | None, caller: Callable[[], str | None] = _stranger) -> Callable[[View], View]:
    """Count the requests of a view that is open to all by a policy of its own; None: do not count them.

    `caller` names who asks, by something that nobody can make up or have without them; None where they show no such.
    """

    def decorate(view: View) -> View:
        setattr(view, LIMIT_ATTRIBUTE, Limit(policy, caller))
        return view

    return decorate


def limit_of(view: Callable[..., Any]) -> Limit | None:
    """The limit that a view declares; None where whoever is signed in is counted, and else the address."""
    found: Limit | None = getattr(view, LIMIT_ATTRIBUTE, None)
    return found


def is_counted(view: Callable[..., Any]) -> bool:
    """Whether requests of a view are counted at all."""
    limit = limit_of(view)
    return limit is None or limit.policy is not None


def count_principal(who: Principal) -> None:
    """One more request of somebody whom we know: a person, or a key, of which a program may have several.

    Raises:
        Problem: 429, they were too many.
    """
    _count(PRINCIPAL, str(who.credential_id if who.is_program else who.id))


def count_address() -> None:
    """One more request from this address.

    Raises:
        Problem: 429, they were too many.
    """
    _count(ADDRESS, client_network())


def client_network() -> str:
    """Where the request comes from, as one client can change it least."""
    return network_of(request.remote_addr or "")


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """An IPv4 address, or the network of an IPv6 one. What is neither stands for itself: a proxy of ours sent it."""
    try:
        parsed = ip_address(_without_port(address))
    except ValueError:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    host_bits = parsed.max_prefixlen - NETWORK_BITS
    return f"{IPv6Address(int(parsed) >> host_bits << host_bits)}/{NETWORK_BITS}"


def _without_port(address: str) -> str:
    found = _WITH_PORT.fullmatch(address)
    return found[1] or found[2] if found else address


def _count(policy: Policy, who: str) -> None:
    counts = services().request_counts
    if counts is None:
        return
    count = g.rate_limit_count = counts.add(policy, who)
    if count.exceeded:
        RATE_LIMITED.labels(policy.name).inc()
        headers = {"Retry-After": str(count.seconds_left)}
        raise Problem(429, "Too many requests. Go on after a pause.", headers=headers)


def register_headers(app: Flask) -> None:
    """Tell in every answer that was counted how many more requests there may be."""

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.update(answer_headers())
        return response


def answer_headers() -> dict[str, str]:
    """What the answer to the request at hand says of them; nothing if it was not counted."""
    count: Count | None = g.get("rate_limit_count")
    if count is None:
        return {}
    policy = count.policy
    return {
        "RateLimit": f'"{policy.name}";r={count.left};t={count.seconds_left}',
        "RateLimit-Policy": f'"{policy.name}";q={policy.limit};w={policy.window_seconds}',
    }
