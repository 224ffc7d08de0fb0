"""API keys, for admins."""

from typing import Any
from uuid import UUID

import structlog
from flask import Response
from psycopg import Connection

from shakerqueue.api.api_key_schemas import (
    ApiKeyListQuerySchema,
    ApiKeyListSchema,
    IssuedApiKeySchema,
    NewApiKeySchema,
)
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow, principal
from shakerqueue.api.openapi.contracts import contract
from shakerqueue.api.pages import END_OF_TIME, page
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.errors import NotFound, Taken
from shakerqueue.integrations import IssuedKey, add_integration, integration_by_id, issue_key
from shakerqueue.queries import api_keys
from shakerqueue.queries.models import User
from shakerqueue.roles import ADMINS

SHOWN = ("id", "prefix", "scopes", "expires_at", "last_used_at", "created_by", "created_at")

log = structlog.get_logger(__name__)

blueprint = Blueprint("api_keys", __name__, url_prefix="/api-keys", description="API keys of integrations, for admins")


@blueprint.route("", methods=["POST"])
@allow(ADMINS)
@blueprint.arguments(NewApiKeySchema)
@blueprint.response(201, IssuedApiKeySchema)
@contract(fails=["taken", "unknown_integration"])
def create_api_key(body: dict[str, Any]) -> dict[str, Any]:
    """Make a key, of a new integration or of one that there is. The answer is the only place where it can be read."""
    try:
        with services().database.transaction(request_deadline()) as conn:
            issued = issue_key(
                conn,
                _integration(conn, body),
                scopes=body["scopes"],
                expires_at=body["expires_at"],
                created_by=principal().id,
            )
    except Taken:
        detail = "This name is taken. For another key of an integration give its integration_id."
        raise Problem(409, detail, code="taken", errors=[FieldError("integration", "taken", detail)]) from None
    except NotFound as error:
        unknown = FieldError("integration_id", "unknown_integration", str(error))
        raise Problem(422, unknown.detail, code=unknown.code, errors=[unknown]) from None
    log.info("api_key_made", key_id=str(issued.stored.id), prefix=issued.stored.prefix, by=str(principal().id))
    return _issued_json(issued)


@blueprint.route("")
@allow(ADMINS)
@blueprint.arguments(ApiKeyListQuerySchema, location="query")
@blueprint.response(200, ApiKeyListSchema)
def list_api_keys(query: dict[str, Any]) -> dict[str, Any]:
    """The keys that are not revoked, the newest first; expired ones, too."""
    before_created_at, before_id = query["cursor"] or END_OF_TIME
    with services().database.connection(request_deadline()) as conn:
        rows = api_keys.list_api_keys(
            conn, before_created_at=before_created_at, before_id=before_id, at_most=query["limit"] + 1
        )
    answer = page("api_keys", rows, query["limit"], lambda key: (key.created_at, key.id))
    keys = [_json(key, key.integration_id, key.integration) for key in answer["api_keys"]]
    return {**answer, "api_keys": keys}


@blueprint.route("/<uuid:key_id>", methods=["DELETE"])
@allow(ADMINS)
@blueprint.response(204)
def revoke_api_key(key_id: UUID) -> Response:
    """End a key for ever, on every process within about a second. Its integration stays, and so do its other keys."""
    with services().database.connection(request_deadline()) as conn:
        if not api_keys.revoke_api_key(conn, id=key_id, by=principal().id):
            raise Problem(404, "There is no such key.")
    log.info("api_key_revoked", key_id=str(key_id), by=str(principal().id))
    return Response(status=204)


def _integration(conn: Connection[Any], body: dict[str, Any]) -> User:
    if "integration" in body:
        return add_integration(conn, body["integration"])
    return integration_by_id(conn, body["integration_id"])


def _issued_json(issued: IssuedKey) -> dict[str, Any]:
    return {**_json(issued.stored, issued.integration.id, issued.integration.username), "key": issued.key}


def _json(key: Any, integration_id: UUID, integration: str) -> dict[str, Any]:
    columns = {name: getattr(key, name) for name in SHOWN}
    return {**columns, "integration": {"id": integration_id, "name": integration}}
