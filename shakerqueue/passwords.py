"""Password hashes: bcrypt over a peppered pre-hash.

bcrypt reads 72 bytes at the most, so the password is first turned into base64(HMAC-SHA256(pepper, password)):
44 bytes in which every byte of the password, however long, and the pepper have a say.
"""

import base64
import hmac

import bcrypt


class PasswordHasher:
    """Hashes and checks passwords with one pepper and one cost (bcrypt's log2 rounds)."""

    def __init__(self, pepper: str, cost: int) -> None:
        self._pepper = pepper.encode()
        self._cost = cost
        self._nobodys_hash = self.hash("the hash of a password that nobody has")

    def hash(self, password: str) -> str:
        return bcrypt.hashpw(self._prehash(password), bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one that was hashed. Without a hash it takes as long and says no."""
        known = bcrypt.checkpw(self._prehash(password), (password_hash or self._nobodys_hash).encode())
        return known and password_hash is not None

    def _prehash(self, password: str) -> bytes:
        # surrogatepass: JSON can carry lone surrogates, and a password may never end in a 500.
        digest = hmac.digest(self._pepper, password.encode("utf-8", "surrogatepass"), "sha256")
        return base64.b64encode(digest)
