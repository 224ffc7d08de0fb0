"""The API's operations, for tests that are made from the contract."""

from functools import cache
from typing import Any

from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin

from shakerqueue.app import register_api
from tests.support.contract import documented

JSON = "application/json"


@cache
def rules() -> dict[str, str]:
    """The operations by the name of their route in the URL map, such as ``GET /orders/<uuid:order_id>``."""
    app = Flask("shakerqueue", static_folder=None)
    register_api(app)
    names = {
        f"{method} {rule.rule}": f"{method} {FlaskPlugin.flaskpath2openapi(rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    return {route: name for route, name in names.items() if name in documented()}


def with_body() -> dict[str, list[Any]]:
    """The routes that take a body, each with examples of one."""
    bodies = {route: documented()[name].get("requestBody") for route, name in rules().items()}
    return {
        route: [example["value"] for example in body["content"][JSON]["examples"].values()]
        for route, body in bodies.items()
        if body
    }


def with_parameter(wanted: str) -> list[tuple[str, dict[str, Any]]]:
    """The routes that take this query parameter, each with its schema."""
    return [
        (route, parameter["schema"])
        for route, name in rules().items()
        for parameter in documented()[name].get("parameters", [])
        if (parameter["name"], parameter["in"]) == (wanted, "query")
    ]


def body_schema(route: str) -> dict[str, Any]:
    """What the body of a route may be, as JSON Schema."""
    schema: dict[str, Any] = documented()[rules()[route]]["requestBody"]["content"][JSON]["schema"]
    return schema
