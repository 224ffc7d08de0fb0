"""Access tokens for tests: with the claims of ours, as far as a test does not change them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient

NOWHERE = "/orders/00000000-0000-8000-8000-000000000000"
LET_IN = 404  # of NOWHERE, to whoever is let in


def access_claims(**changes: Any) -> dict[str, Any]:
    """The usual claims with changes: None leaves one out, a time is counted from now."""
    now = datetime.now(UTC)
    usual = {
        "iss": "shakerqueue",
        "aud": "shakerqueue-api",
        "sub": "0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11",
        "type": "access",
        "role": "admin",
        "epoch": 1,
        "sid": "7c1d6d0e-2f0b-4c88-8f6e-3d2a8c1b5e42",
        "jti": "one",
        "fresh": False,
        "iat": now,
        "nbf": now,
        "exp": timedelta(minutes=5),
    }
    chosen = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    return {name: now + value if isinstance(value, timedelta) else value for name, value in chosen.items()}


def status_with(client: FlaskClient, token: str) -> int:
    """How a request with this token is answered: LET_IN if it is good."""
    return client.get(NOWHERE, headers={"Authorization": f"Bearer {token}"}).status_code
