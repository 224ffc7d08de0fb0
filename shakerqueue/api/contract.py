"""The API's own description, for machines."""

from hashlib import sha256
from typing import Any

from flask import Flask, Response, current_app, request

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.openapi.contracts import contract

EXTENSION = "shakerqueue-contract"

blueprint = Blueprint("contract", __name__, description="This document")


def publish(app: Flask, document: dict[str, Any]) -> None:
    """Let the app answer with this document; rendered once."""
    app.extensions[EXTENSION] = app.json.dumps(document).encode()


@blueprint.route("/openapi.json")
@public
@blueprint.response(200, {"type": "object"}, headers=["ETag"])
@blueprint.alt_response(304, description="What the client has still holds.")
@contract(takes=["If-None-Match"], needs_nothing=True)
def get_openapi() -> Response:
    """This document, OpenAPI 3.1."""
    body: bytes = current_app.extensions[EXTENSION]
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"  # keep it, but ask each time whether it still holds
    response.set_etag(sha256(body).hexdigest())
    response.make_conditional(request)
    return response
