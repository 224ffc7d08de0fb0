"""Many people at once, each with an account and an access token of their own."""

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

import jwt
import psycopg

from shakerqueue.api import tokens
from shakerqueue.config import MAX_ACCESS_TOKEN_SECONDS
from shakerqueue.queries.models import UserRole

INSERT = """
    INSERT INTO users (username, email, password_hash, role)
    SELECT name, name || '@example.com', (SELECT password_hash FROM users WHERE username = 'user'), %s
    FROM unnest(%s::text[]) AS name
    RETURNING id::text, token_epoch
"""


class Person(NamedTuple):
    """Who they are, and what they show."""

    id: str
    token: str  # good for 15 minutes


def add_people(database_url: str, jwt_secret: str, role: UserRole, count: int) -> list[Person]:
    """So many new accounts. Their tokens are made here: a password's hash for each would take minutes."""
    names = [uuid4().hex for _ in range(count)]
    with psycopg.connect(database_url) as conn:
        rows = conn.execute(INSERT, (role.value, names)).fetchall()
    return [Person(id, access_token(jwt_secret, id, role, epoch)) for id, epoch in rows]


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
