"""Query strings are read as strictly as bodies: what is unknown or forged is refused by name."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from marshmallow import fields

from shakerqueue.api import health, problems
from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.guards import public
from shakerqueue.api.pages import Cursor, PageSchema, encode_cursor
from shakerqueue.api.rate_limits import limited
from shakerqueue.app import ProblemApi


class NumbersSchema(PageSchema):
    cursor = Cursor(int)
    parity = fields.String()
    station = fields.List(fields.String())


def small_app() -> Flask:
    """A list as simple as one can be, beside the health routes; it needs no services."""
    blueprint = Blueprint("numbers", __name__)

    @blueprint.route("/numbers")
    @public
    @limited(None)
    @blueprint.arguments(NumbersSchema, location="query")
    def list_numbers(parameters: dict[str, Any]) -> dict[str, Any]:
        return parameters

    app = Flask("numbers")
    app.config.update(API_TITLE="numbers", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = ProblemApi(app)
    for each in (blueprint, health.blueprint):
        api.register_blueprint(each)
    problems.register_handlers(app)
    return app


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return small_app().test_client()


def test_what_is_declared_is_taken(client: FlaskClient) -> None:
    query = {"limit": "200", "cursor": encode_cursor([41]), "parity": "odd", "station": ["well", "bar"]}
    loaded = {"limit": 200, "cursor": [41], "parity": "odd", "station": ["well", "bar"]}
    assert loaded == client.get("/numbers", query_string=query).get_json()
    assert {"limit": 50, "cursor": None} == client.get("/numbers").get_json()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/numbers?page=2", "page"),
        ("/numbers?limit=10&Limit=10", "Limit"),
        ("/numbers?limit=0", "limit"),
        ("/numbers?limit=201", "limit"),
        ("/numbers?limit=-1", "limit"),
        ("/numbers?limit=1_0", "limit"),
        ("/numbers?limit=+1", "limit"),
        ("/numbers?limit=%D9%A3", "limit"),
        ("/numbers?limit=", "limit"),
        ("/numbers?limit=" + "9" * 5000, "limit"),
        ("/numbers?limit=1&limit=2", "limit"),
        ("/numbers?cursor=", "cursor"),
        ("/numbers?cursor=MQ", "cursor"),
        ("/numbers?parity=%00", "parity"),
        ("/numbers?cursor=" + "W" * 2000, "cursor"),
        ("/livez?verbose=1", "verbose"),
        ("/livez?verbose", "verbose"),
    ],
)
def test_what_is_not_is_refused_by_name(client: FlaskClient, path: str, field: str) -> None:
    answer = client.get(path)
    assert (422, "application/problem+json") == (answer.status_code, answer.content_type)
    assert [field] == [error["field"] for error in answer.get_json()["errors"]]
