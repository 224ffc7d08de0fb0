"""The pages: what they hold is the same for everyone, and what they show they ask the API for."""

from flask import Blueprint, Response, render_template, send_from_directory, url_for

from shakerqueue.api.guards import page, public
from shakerqueue.api.rate_limits import limited
from shakerqueue.order_lifecycle import MAX_CLAIM_BATCH
from shakerqueue.web.assets import FOLDER, VERSION

blueprint = Blueprint("pages", __name__, template_folder="templates")


@blueprint.route("/")
@page
def show_menu() -> Response:
    """Where guests order, and follow what they ordered."""
    return _page("guest.html")


@blueprint.route("/t/<link>")
@page
def show_table(link: str) -> Response:
    """The same, for whoever scanned a table's code. The page opens the pass: to fetch a page is to change nothing."""
    return _page("guest.html", link=link)


@blueprint.route("/board")
@page
def show_board() -> Response:
    """The bar's live board."""
    return _page("board.html", max_batch=MAX_CLAIM_BATCH)


@blueprint.route("/manager")
@page
def show_manager() -> Response:
    """The evening in figures, the menu, the tables, the people."""
    return _page("manager.html")


@blueprint.route("/static/<version>/<path:name>")
@public
@limited(None)
def send_asset(version: str, name: str) -> Response:
    """A script, a style or a picture. One that is named by the present version never changes."""
    return immutable_if(version == VERSION, send_from_directory(FOLDER, name))


def immutable_if(versioned: bool, response: Response) -> Response:
    """The file, to be kept for ever where its address names its state, else to be asked for each time."""
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
    return response


def asset_url(name: str) -> str:
    """The address of a file in its present state."""
    return url_for("pages.send_asset", version=VERSION, name=name)


def _page(template: str, **values: object) -> Response:
    response = Response(render_template(template, asset=asset_url, **values), mimetype="text/html")
    response.headers["Cache-Control"] = "no-cache"
    return response
