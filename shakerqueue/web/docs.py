"""The API's documentation for people: Swagger UI, as its package ships it, over our own document."""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, Response, render_template, send_from_directory, url_for

from shakerqueue.api.guards import page, public
from shakerqueue.api.rate_limits import limited
from shakerqueue.web.assets import version_of
from shakerqueue.web.headers import DOCS_POLICY
from shakerqueue.web.pages import asset_url, immutable_if

SWAGGER_UI = Path(flask_swagger_ui.__file__).parent / "dist"
SWAGGER_UI_VERSION = version_of(SWAGGER_UI)

blueprint = Blueprint("docs", __name__, url_prefix="/docs", template_folder="templates")


@blueprint.route("")
@page
def show_docs() -> Response:
    """Every operation, to read and to try."""
    response = Response(render_template("docs.html", asset=asset_url, swagger_ui=_swagger_ui_url), mimetype="text/html")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


@blueprint.route("/<version>/<path:file>")
@public
@limited(None)
def send_swagger_ui(version: str, file: str) -> Response:
    """A script or a style of Swagger UI."""
    return immutable_if(version == SWAGGER_UI_VERSION, send_from_directory(SWAGGER_UI, file))


def _swagger_ui_url(file: str) -> str:
    return url_for("docs.send_swagger_ui", version=SWAGGER_UI_VERSION, file=file)
