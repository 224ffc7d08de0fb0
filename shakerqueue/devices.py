"""Devices that somebody has signed in on before, known again by a cookie.

What a device keeps is a name, and a mark for each account that has signed in on it: an HMAC of ours over both. So
nothing is stored about who signs in where, and nobody gets a mark without having signed in. A mark carries the
account's token epoch: another password, and it is no longer good.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import NamedTuple

from shakerqueue.queries.models import User

PART_BYTES = 16
MAX_MARKS = 8  # the accounts that sign in on one device; the one that has not for longest is forgotten

_TEXT = re.compile(rf"[\w-]{{22}}(\.[\w-]{{22}}){{0,{MAX_MARKS}}}", re.ASCII)


class Device(NamedTuple):
    """What a device keeps. `str()` of it is the cookie."""

    name: str
    marks: tuple[str, ...] = ()  # the latest sign-in first

    @classmethod
    def parse(cls, text: str | None) -> "Device":
        """The device that sent this; a new one where that is nothing of ours."""
        if text is None or not _TEXT.fullmatch(text):
            return cls(_encoded(secrets.token_bytes(PART_BYTES)))
        name, *marks = text.split(".")
        return cls(name, tuple(marks))

    def __str__(self) -> str:
        return ".".join((self.name, *self.marks))


class Devices:
    """Marks devices, and knows them again, with one secret."""

    def __init__(self, jwt_secret: str) -> None:
        self._secret = hmac.digest(jwt_secret.encode(), b"shakerqueue devices", "sha256")

    def know(self, device: Device, user: User) -> bool:
        """Whether this account has signed in on this device before, with the password that it has now."""
        good = self._mark(device, user)
        return any(hmac.compare_digest(good, mark) for mark in device.marks)

    def marked(self, device: Device, user: User) -> Device:
        """The device, with this account's mark."""
        mark = self._mark(device, user)
        others = (other for other in device.marks if other != mark)
        return device._replace(marks=(mark, *others)[:MAX_MARKS])

    def _mark(self, device: Device, user: User) -> str:
        said = f"{device.name}.{user.id}.{user.token_epoch}"
        return _encoded(hmac.digest(self._secret, said.encode(), "sha256")[:PART_BYTES])


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
