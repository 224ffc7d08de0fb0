"""Refresh tokens: what they are made of, and which one follows which.

A token is a session's id, 32 bytes that nobody can guess, and a tag by which we know our own. The 32 bytes of the
first are random; those of its successor are an HMAC over the token itself. So whoever uses a token a second time, for
the answer to the first was lost, can be given the very same successor, and no token is stored: the database holds
hashes. Without the secret nobody gets from one token to the next.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from shakerqueue.errors import ShakerQueueError

NONCE_BYTES = 32
TAG_BYTES = 16
_TOKEN_BYTES = 16 + NONCE_BYTES + TAG_BYTES


class ForeignRefreshToken(ShakerQueueError):
    """We never made this token."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One token of a session. `str()` of it is what the client gets."""

    session_id: UUID
    nonce: bytes
    tag: bytes

    @classmethod
    def first(cls, secret: bytes, session_id: UUID) -> Self:
        return cls._tagged(secret, session_id, secrets.token_bytes(NONCE_BYTES))

    @classmethod
    def parse(cls, secret: bytes, text: str) -> Self:
        """The token that the text stands for.

        Raises:
            ForeignRefreshToken: its tag is not ours, or it has none.
        """
        try:
            raw = b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
        except ValueError as error:
            raise ForeignRefreshToken("not a refresh token") from error
        if len(raw) != _TOKEN_BYTES:
            raise ForeignRefreshToken("not a refresh token")
        token = cls._tagged(secret, UUID(bytes=raw[:16]), raw[16:-TAG_BYTES])
        if not hmac.compare_digest(token.tag, raw[-TAG_BYTES:]):
            raise ForeignRefreshToken("not a refresh token of ours")
        return token

    def successor(self, secret: bytes) -> "RefreshToken":
        """The token that takes this one's place; always the same."""
        return self._tagged(secret, self.session_id, _mac(secret, b"successor", self._bytes)[:NONCE_BYTES])

    @property
    def hash(self) -> bytes:
        """SHA-256 (32 bytes): what is stored."""
        return hashlib.sha256(self._bytes).digest()

    def __str__(self) -> str:
        return urlsafe_b64encode(self._bytes).decode().rstrip("=")

    def __repr__(self) -> str:
        return f"RefreshToken(session_id={self.session_id!r})"  # the rest is secret

    @classmethod
    def _tagged(cls, secret: bytes, session_id: UUID, nonce: bytes) -> Self:
        return cls(session_id, nonce, _mac(secret, b"tag", session_id.bytes + nonce)[:TAG_BYTES])

    @property
    def _bytes(self) -> bytes:
        return self.session_id.bytes + self.nonce + self.tag


def derived_secret(jwt_secret: str) -> bytes:
    """A secret of the refresh tokens' own, so that no signature of an access token can ever stand for one of theirs."""
    return hmac.digest(jwt_secret.encode(), b"shakerqueue refresh tokens", "sha256")


def _mac(secret: bytes, purpose: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\0" + message, "sha256")
