"""Who asks: the demo users, and many people at once, each with an account and an access token of their own."""

from datetime import UTC, datetime
from uuid import uuid4

import httpx
import jwt
import psycopg

from dev.servers import ServerError
from shakerqueue.api import tokens
from shakerqueue.config import MAX_ACCESS_TOKEN_SECONDS
from shakerqueue.queries.models import UserRole

GUEST = {"email": "user@example.com", "password": "password123"}
STAFF = {"email": "bartender@example.com", "password": "password123"}
INSERT = """
    INSERT INTO users (username, email, password_hash, role)
    SELECT name, name || '@example.com', (SELECT password_hash FROM users WHERE username = 'user'), %s
    FROM unnest(%s::text[]) AS name
    RETURNING id::text, token_epoch
"""


def sign_in(api_url: str, who: dict[str, str]) -> str:
    """An access token, good for 15 minutes.

    Raises:
        ServerError: the API does not let them in.
    """
    answer = httpx.post(f"{api_url}/login", json=who)
    if answer.status_code != httpx.codes.OK:
        raise ServerError(f"signing in failed: {answer.status_code} {answer.text}")
    return str(answer.json()["token"])


def add_people(database_url: str, jwt_secret: str, role: UserRole, count: int) -> list[str]:
    """The access tokens of so many new accounts, made here: a password's hash for each would take minutes."""
    names = [uuid4().hex for _ in range(count)]
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(INSERT, (role.value, names)).fetchall()
    return [access_token(jwt_secret, id, role, epoch) for id, epoch in rows]


def access_token(jwt_secret: str, user_id: str, role: UserRole, epoch: int) -> str:
    """As the product would have made it for a new session."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": tokens.ISSUER,
        "aud": tokens.AUDIENCE,
        "sub": user_id,
        "type": tokens.ACCESS,
        "role": role.value,
        "epoch": epoch,
        "sid": str(uuid4()),
        "iat": now,
        "nbf": now,
        "exp": now + MAX_ACCESS_TOKEN_SECONDS,
    }
    return jwt.encode(claims, jwt_secret, tokens.ALGORITHM)
