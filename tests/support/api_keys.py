"""API keys as an admin makes and lists them, over HTTP."""

from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient

from shakerqueue.scopes import Scope

Headers = dict[str, str]


def new_key(client: FlaskClient, admin: Headers, *scopes: str, **body: Any) -> dict[str, Any]:
    """A key as it was answered, of a new integration unless an `integration_id` is given."""
    name = {} if "integration_id" in body else {"integration": uuid4().hex}
    answer = client.post("/api-keys", json={**name, "scopes": scopes or list(Scope), **body}, headers=admin)
    assert 201 == answer.status_code, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def bearer(made: dict[str, Any]) -> Headers:
    return {"Authorization": f"Bearer {made['key']}"}


def listed(client: FlaskClient, admin: Headers) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = client.get("/api-keys", headers=admin).get_json()["api_keys"]
    return keys
