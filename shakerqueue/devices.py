"""Devices that somebody has signed in on before, known again by a cookie.

What a device keeps is a name, and a mark for each account that has signed in on it: an HMAC of ours over both. So
nothing is stored about who signs in where, and nobody gets a mark without having signed in. A mark carries the
account's token epoch: another password, and it is no longer good. The name is ours as well, half of it a tag, so that a
device can be told from one that somebody made up before anybody says which account is meant.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from shakerqueue.queries.models import User

PART_BYTES = 16
SEED_BYTES = 8  # of a name; the rest is its tag
MAX_MARKS = 8  # the accounts that sign in on one device; the one that has not for longest is forgotten

_TEXT = re.compile(rf"[\w-]{{22}}(\.[\w-]{{22}}){{0,{MAX_MARKS}}}", re.ASCII)


class Device(NamedTuple):
    """What a device keeps, with a name of ours. `str()` of it is the cookie."""

    name: str
    marks: tuple[str, ...] = ()  # the latest sign-in first

    @property
    def is_new(self) -> bool:
        """Whether nobody has ever signed in on it: only then has it a name that it was given just now."""
        return not self.marks

    def __str__(self) -> str:
        return ".".join((self.name, *self.marks))


class Devices:
    """Marks devices, and knows them again, with one secret."""

    def __init__(self, jwt_secret: str) -> None:
        self._secret = hmac.digest(jwt_secret.encode(), b"shakerqueue devices", "sha256")

    def parse(self, text: str | None) -> Device:
        """The device that sent this; a new one where that is nothing of ours."""
        if text is not None and _TEXT.fullmatch(text):
            name, *marks = text.split(".")
            if hmac.compare_digest(name, self._name(urlsafe_b64decode(f"{name}==")[:SEED_BYTES])):
                return Device(name, tuple(marks))
        return Device(self._name(secrets.token_bytes(SEED_BYTES)))

    def know(self, device: Device, user: User) -> bool:
        """Whether this account has signed in on this device before, with the password that it has now."""
        good = self._mark(device, user)
        return any(hmac.compare_digest(good, mark) for mark in device.marks)

    def marked(self, device: Device, user: User) -> Device:
        """The device, with this account's mark."""
        mark = self._mark(device, user)
        others = (other for other in device.marks if other != mark)
        return device._replace(marks=(mark, *others)[:MAX_MARKS])

    def _name(self, seed: bytes) -> str:
        tag = hmac.digest(self._secret, b"name" + seed, "sha256")
        return _encoded((seed + tag)[:PART_BYTES])

    def _mark(self, device: Device, user: User) -> str:
        said = f"{device.name}.{user.id}.{user.token_epoch}"
        return _encoded(hmac.digest(self._secret, said.encode(), "sha256")[:PART_BYTES])


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
