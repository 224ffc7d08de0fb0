"""Password hashes: bcrypt over a peppered pre-hash.

bcrypt reads 72 bytes at the most, so the password is first turned into base64(HMAC-SHA256(pepper, password)):
44 bytes in which every byte of the password, however long, and the pepper have a say.

A hash takes a core for a quarter of a second. So no more are made at once than there are cores, few wait for that, and
whoever comes then is told to come back: else a crowd at the door would hold all the threads that take orders.
"""

import base64
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from os import cpu_count
from threading import Semaphore

import bcrypt

from shakerqueue.errors import Unavailable

WAIT_SECONDS = 2.0
MAX_WAITING = 8


def hashes_at_once(workers: int) -> int:
    """How many hashes one of so many processes may make at once, for all of them to have a core each."""
    return max(1, (cpu_count() or 1) // workers)


class PasswordHasher:
    """Hashes and checks passwords with one pepper and one cost (bcrypt's log2 rounds), so many `at_once`.

    Both raise Unavailable where too many are at it.
    """

    def __init__(self, pepper: str, cost: int, at_once: int = 1) -> None:
        self._pepper = pepper.encode()
        self._cost = cost
        self._at_work = Semaphore(at_once)
        self._room = Semaphore(at_once + MAX_WAITING)
        self._nobodys_hash = self.hash("the hash of a password that nobody has")

    def hash(self, password: str) -> str:
        with self._place():
            return bcrypt.hashpw(self._prehash(password), bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed. Without a hash it takes as long and says no."""
        with self._place():
            known = bcrypt.checkpw(self._prehash(password), (password_hash or self._nobodys_hash).encode())
        return known and password_hash is not None

    @contextmanager
    def _place(self) -> Iterator[None]:
        """One of the places at work, after a wait that is bounded in time and in how many are at it."""
        if not self._room.acquire(blocking=False):
            raise Unavailable("passwords", "too many wait for a hash")
        try:
            if not self._at_work.acquire(timeout=WAIT_SECONDS):
                raise Unavailable("passwords", "no hash in time")
            try:
                yield
            finally:
                self._at_work.release()
        finally:
            self._room.release()

    def _prehash(self, password: str) -> bytes:
        # surrogatepass: JSON can carry lone surrogates, and a password may never end in a 500.
        digest = hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), "sha256")
        return base64.b64encode(digest)
