"""Access tokens: what they say and how they are checked, each signature once. Revocation is not looked at here."""

from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from time import time
from typing import Any, NamedTuple
from uuid import UUID

import flask_jwt_extended
import jwt
from flask import Flask, current_app

from shakerqueue.api.principals import Principal
from shakerqueue.config import Settings
from shakerqueue.queries.models import UserRole
from shakerqueue.sessions import SignIn

ALGORITHM = "HS256"
ISSUER = "shakerqueue"
AUDIENCE = "shakerqueue-api"
ACCESS = "access"
HEADER = {"alg": ALGORITHM, "typ": "JWT"}  # the whole of it: a header that names or brings a key is never ours
REQUIRED_CLAIMS = ("iss", "aud", "sub", "type", "role", "epoch", "sid", "iat", "nbf", "exp")
MAX_REMEMBERED_TOKENS = 10_000


class InvalidToken(Exception):
    """The token is none of ours, is altered, or is no longer valid."""


def configure(app: Flask, settings: Settings) -> None:
    """Say how tokens are made: by one algorithm, with issuer and audience."""
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret,
        JWT_ALGORITHM=ALGORITHM,
        JWT_ENCODE_ISSUER=ISSUER,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
    )
    flask_jwt_extended.JWTManager(app)


class AccessToken(NamedTuple):
    """What is sent with each request, and for how many seconds it is good."""

    token: str
    seconds: int


def make_access_token(sign_in: SignIn) -> AccessToken:
    """A token of this user in this session, which it never outlives.

    What it says besides spares each request a look at the database: whether it was revoked, and for a table's guest
    which table.
    """
    user = sign_in.user
    says = {"role": sign_in.role.value, "epoch": user.token_epoch, "sid": str(sign_in.session_id)}
    if sign_in.table is not None:
        says["table"] = sign_in.table
    life: timedelta = min(current_app.config["JWT_ACCESS_TOKEN_EXPIRES"], sign_in.left)
    token = flask_jwt_extended.create_access_token(str(user.id), additional_claims=says, expires_delta=life)
    return AccessToken(token, int(life.total_seconds()))


class TokenVerifier:
    """Checks access tokens and remembers the good ones until they expire.

    Checking a signature costs far more than all else that a request does, and the same guest, and above all the
    same POS, sends the same token again and again. A token's content never changes, so only its expiry has to be
    looked at again.
    """

    def __init__(self, capacity: int = MAX_REMEMBERED_TOKENS) -> None:
        self._capacity = capacity
        self._lock = Lock()
        self._verified: OrderedDict[str, Principal] = OrderedDict()

    def principal(self, token: str) -> Principal:
        """Whom the token names.

        Raises:
            InvalidToken: in every case in which the token cannot be trusted.
        """
        remembered = self._verified.get(token)
        if remembered is None:
            return self._verify(token)
        if remembered.expires_at <= time():
            raise InvalidToken("The token has expired.")
        return remembered

    def _verify(self, token: str) -> Principal:
        claims = _decode(token)
        try:
            principal = _principal(claims)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InvalidToken("The token lacks what an access token says.") from None
        with self._lock:
            self._verified[token] = principal
            if len(self._verified) > self._capacity:
                self._verified.popitem(last=False)
        return principal


def _principal(claims: dict[str, Any]) -> Principal:
    return Principal(
        id=UUID(claims["sub"]),
        role=UserRole(claims["role"]),
        credential_id=UUID(claims["sid"]),
        token_epoch=int(claims["epoch"]),
        expires_at=float(claims["exp"]),
        table=claims.get("table"),
    )


def _decode(token: str) -> dict[str, Any]:
    """The claims, once all is checked that RFC 8725 asks for."""
    try:
        decoded = jwt.decode_complete(
            token,
            current_app.config["JWT_SECRET_KEY"],
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": list(REQUIRED_CLAIMS)},
        )
    except (jwt.PyJWTError, ValueError, TypeError):
        raise InvalidToken("The token is not valid, or no longer.") from None
    if decoded["header"] != HEADER:
        raise InvalidToken("The token's header is none of ours.")
    claims: dict[str, Any] = decoded["payload"]
    if claims["type"] != ACCESS:
        raise InvalidToken("This is not an access token.")
    return claims
