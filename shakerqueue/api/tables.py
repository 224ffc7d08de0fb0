"""The bar's tables and the links on them, for the staff."""

from typing import Any
from uuid import UUID

from flask import Response, request

from shakerqueue import tables
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import allow
from shakerqueue.api.guest_passes import link_secret
from shakerqueue.api.requests import request_deadline
from shakerqueue.api.services import services
from shakerqueue.api.table_schemas import CodeQuerySchema, NewTablesSchema, TableListSchema, TableSchema
from shakerqueue.errors import NotFound
from shakerqueue.qr_codes import qr_code_svg
from shakerqueue.queries import tables as queries
from shakerqueue.queries.models import Table
from shakerqueue.roles import STAFF
from shakerqueue.table_links import table_url

blueprint = Blueprint("tables", __name__, url_prefix="/tables", description="The bar's tables, and their links")


@blueprint.route("")
@allow(STAFF)
@blueprint.response(200, TableListSchema)
def list_tables() -> dict[str, Any]:
    """Every table with its link."""
    with services().database.connection(request_deadline()) as conn:
        found = queries.list_tables(conn)
    return _tables_json(found)


@blueprint.route("", methods=["POST"])
@allow(STAFF)
@blueprint.arguments(NewTablesSchema)
@blueprint.response(200, TableListSchema)
def add_tables(body: dict[str, Any]) -> dict[str, Any]:
    """The tables of these labels. Those that are missing are made; the others stay, and so do their links."""
    with services().database.transaction(request_deadline()) as conn:
        found = tables.add_tables(conn, body["labels"])
    return _tables_json(found)


@blueprint.route("/<uuid:table_id>", methods=["DELETE"])
@allow(STAFF)
@blueprint.response(204)
def archive_table(table_id: UUID) -> Response:
    """Take a table away: its link is good no more, and its guests are out within about a second."""
    with services().database.transaction(request_deadline()) as conn:
        tables.archive_table(conn, table_id)
    return Response(status=204)


@blueprint.route("/<uuid:table_id>/revoke", methods=["POST"])
@allow(STAFF)
@blueprint.response(200, TableSchema)
def revoke_link(table_id: UUID) -> dict[str, Any]:
    """Make a new link. The printed code is good no more, and who came by it is out within about a second."""
    with services().database.transaction(request_deadline()) as conn:
        renewed = tables.revoke_link(conn, table_id)
    return _table_json(renewed)


@blueprint.route("/<uuid:table_id>/qr.svg")
@allow(STAFF)
@blueprint.arguments(CodeQuerySchema, location="query")
@blueprint.response(200, {"type": "string"}, content_type="image/svg+xml")
def draw_link(_: dict[str, Any], table_id: UUID) -> Response:
    """The link as a QR code, to be printed."""
    with services().database.connection(request_deadline()) as conn:
        table = queries.get_table(conn, id=table_id)
    if table is None or table.archived_at is not None:
        raise NotFound("There is no such table.")
    response = Response(qr_code_svg(_url(table)), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "no-store"  # a link of before must not be printed
    return response


def _tables_json(found: list[Table]) -> dict[str, Any]:
    return {"tables": [_table_json(table) for table in tables.in_order(found)]}


def _table_json(table: Table) -> dict[str, Any]:
    return {
        "id": table.id,
        "label": table.label,
        "link": _url(table),
        "link_made_at": table.link_made_at,
        "created_at": table.created_at,
    }


def _url(table: Table) -> str:
    return table_url(services().settings.public_url or request.host_url.rstrip("/"), table, link_secret())
