"""Where webhooks may go: a rule for URLs and one for addresses, without I/O.

Whoever registers an endpoint chooses where our machine connects to. Without these rules it would be a way into the
bar's own network (server-side request forgery). A URL is judged when it is registered; a name's addresses are judged at
every connect, because a name can change them at any time.
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from urllib.parse import urlsplit

from shakerqueue.errors import ShakerQueueError

IPAddress: TypeAlias = IPv4Address | IPv6Address

MAX_URL_LENGTH = 2000
MAX_HOST_LENGTH = 253
MAX_PORT = 65_535

VISIBLE_ASCII = re.compile(r"[!-~]*")
# Narrower than urlsplit, so that no two parsers can disagree about the host.
AUTHORITY = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")
LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"(?:{LABEL}\.)*{LABEL}")
# A last label of this form makes the whole an IPv4 address, or nothing: no top-level domain is a number.
NUMBER = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")

IPV4_SPECIAL = [
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Python calls some of them global
    IPv4Network("192.88.99.0/24"),  # relays into 6to4
]
# All that is assigned to hosts of the Internet. Python's is_global knows no such bound: it says yes to NAT64
# (64:ff9b::/96, 64:ff9b:1::/48), IPv4 inside IPv6 (::/96), site-local addresses and whatever is not assigned yet.
IPV6_UNICAST = IPv6Network("2000::/3")
# Named, because Pythons differ: 3.11.7 calls 2002::/16 and 3fff::/20 global, later ones some of 2001::/23.
IPV6_SPECIAL = [
    IPv6Network("2001::/23"),  # protocol assignments; Teredo, with an IPv4 address inside, is 2001::/32
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4, with an IPv4 address inside
    IPv6Network("3fff::/20"),  # documentation
]
# Not link-local: there the clouds tell a machine its credentials (169.254.169.254).
IPV4_PRIVATE = [IPv4Network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
IPV6_PRIVATE = [IPv6Network("::1/128"), IPv6Network("fc00::/7")]


class TargetRefused(ShakerQueueError):
    """No webhook goes there; the text is for whoever registered the target, and says what is wrong."""


def check_url(url: str, *, allow_private: bool) -> None:
    """Judge a URL as it stands. A name's addresses are judged later, at every connect.

    Args:
        url: as the user gave it.
        allow_private: for development: http, loopback and private networks are allowed as well.

    Raises:
        TargetRefused: no webhook may go there.
    """
    if len(url) > MAX_URL_LENGTH:
        raise TargetRefused(f"the URL must have at most {MAX_URL_LENGTH} characters")
    if not VISIBLE_ASCII.fullmatch(url):
        raise TargetRefused("the URL must be ASCII without spaces; a name with other letters is written as xn--…")
    if "#" in url:
        raise TargetRefused("the URL must have no fragment (#…)")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise TargetRefused("this is not a URL") from error
    _check_scheme(parts.scheme, allow_private=allow_private)
    _check_authority(parts.netloc, allow_private=allow_private)


def is_allowed(address: IPAddress, *, allow_private: bool) -> bool:
    """Whether a webhook may connect to this address.

    Args:
        address: what a name resolved to, or what stands in a URL.
        allow_private: for development: loopback and private networks are allowed as well.
    """
    if isinstance(address, IPv4Address):
        return _is_public_ipv4(address) or (allow_private and _is_in(address, IPV4_PRIVATE))
    if address.scope_id is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_allowed(address.ipv4_mapped, allow_private=allow_private)
    return _is_public_ipv6(address) or (allow_private and _is_in(address, IPV6_PRIVATE))


def _check_scheme(scheme: str, *, allow_private: bool) -> None:
    if scheme == "https" or (scheme == "http" and allow_private):
        return
    raise TargetRefused("the URL must begin with https://")


def _check_authority(authority: str, *, allow_private: bool) -> None:
    if "@" in authority:
        raise TargetRefused("the URL must have no user name or password")
    match = AUTHORITY.fullmatch(authority)
    if match is None:
        raise TargetRefused("the URL must have a host, a name or an IP address, and perhaps a port")
    if match["port"] is not None and not 1 <= int(match["port"]) <= MAX_PORT:
        raise TargetRefused(f"the URL's port must be 1 to {MAX_PORT}")
    address = _ipv6_literal(match["ipv6"]) if match["ipv6"] else _ipv4_literal(match["host"])
    if address is not None and not is_allowed(address, allow_private=allow_private):
        raise TargetRefused("the URL's address is not one of the public Internet")


def _ipv6_literal(text: str) -> IPv6Address:
    try:
        return IPv6Address(text)
    except ValueError as error:
        raise TargetRefused("the URL's host is not an IPv6 address") from error


def _ipv4_literal(host: str) -> IPv4Address | None:
    """The address that the system would read here, also as 2130706433, 0x7f.1 or 0177.0.0.1; None for a name."""
    if not NUMBER.fullmatch(host.rpartition(".")[2]):
        if len(host) > MAX_HOST_LENGTH or not HOST_NAME.fullmatch(host):
            raise TargetRefused("the URL's host is not a name that can exist")
        return None
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError as error:
        raise TargetRefused("the URL's host is not an IPv4 address") from error


def _is_public_ipv4(address: IPv4Address) -> bool:
    return address.is_global and not address.is_multicast and not _is_in(address, IPV4_SPECIAL)


def _is_public_ipv6(address: IPv6Address) -> bool:
    return address in IPV6_UNICAST and address.is_global and not _is_in(address, IPV6_SPECIAL)


def _is_in(address: IPAddress, networks: list[IPv4Network] | list[IPv6Network]) -> bool:
    return any(address in network for network in networks)
