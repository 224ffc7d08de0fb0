"""The OpenAPI document, made from the blueprints: nothing in it is written twice, so nothing in it can drift."""

import json
import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask_smorest import Api

from shakerqueue.api.blueprints import Blueprint
from shakerqueue.api.openapi.contracts import contract_of
from shakerqueue.api.openapi.examples import add_examples
from shakerqueue.api.openapi.headers import RESPONSE_HEADERS, parameter_components
from shakerqueue.api.openapi.operations import Endpoint, complete, problem_response
from shakerqueue.api.openapi.problem_codes import PROBLEM_CODES
from shakerqueue.api.openapi.security import SECURITY_SCHEMES
from shakerqueue.api.openapi.webhooks import describe_webhooks

JSON = "application/json"
REFERENCE = re.compile(r'"#/components/(?:responses|schemas)/(\w+)"')
ABOUT = """\
Drink orders, from a guest's phone or a POS to the bartender's hands.

Errors are `application/problem+json` (RFC 9457); their `code` says which, and each operation names its own. Another
method than those of a path is 405 with `Allow`. Unknown members of a body and unknown query parameters are refused.
Bodies are JSON in UTF-8, of at most 64 KiB, a batch of orders 1 MiB, nested at most 16 deep. Every answer has an
`X-Request-Id`, which is the request's where that sent one of 1 to 128 letters, digits, dots, dashes and underscores.

What is here stays as it is: `docs/compatibility.md` says what may be added, and how something would end."""


def build_document(app: Flask, api: Api) -> dict[str, Any]:
    """The document of all routes of the app but the pages. Needs no service: the routes are enough."""
    webhooks = describe_webhooks(api, tag="webhooks")
    said = api.spec.to_dict()
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints(app):
        path = api.flask_plugin.flaskpath2openapi(endpoint.rule.rule)
        operation = _described(said["paths"][path], endpoint.method.lower())
        _add_other_answers(api, operation, endpoint)
        paths.setdefault(path, {})[endpoint.method.lower()] = complete(operation, endpoint)
    paths = dict(sorted(paths.items()))
    document = {
        "openapi": said["openapi"],
        "info": {**said["info"], "description": ABOUT, "license": {"name": "MIT", "identifier": "MIT"}},
        "servers": [{"url": "/", "description": "the host that this document came from"}],
        "tags": said["tags"],
        "paths": paths,
        "webhooks": webhooks,
        "components": _components(said["components"]["schemas"], {**paths, **webhooks}),
    }
    return add_examples(document)


def endpoints(app: Flask) -> Iterator[Endpoint]:
    """Every operation that belongs to the contract."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if isinstance(app.blueprints.get(rule.endpoint.rpartition(".")[0]), Blueprint):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield Endpoint(rule, method, view)


def _described(path: dict[str, Any], method: str) -> dict[str, Any]:
    """The operation as flask-smorest describes it, with the parameters of its path."""
    operation: dict[str, Any] = path[method]
    parameters = [*path.get("parameters", []), *operation.get("parameters", [])]
    return {**operation, "parameters": parameters}


def _add_other_answers(api: Api, operation: dict[str, Any], endpoint: Endpoint) -> None:
    others = contract_of(endpoint.view).or_answers
    if not others:
        return
    [answer] = [answer[JSON] for answer in _good_contents(operation) if JSON in answer]
    alternatives = [api.ma_plugin.converter.resolve_nested_schema(other) for other in others]
    answer["schema"] = {"oneOf": [answer["schema"], *alternatives]}


def _good_contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield answer.get("content", {})


def _components(schemas: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    shared = {*REFERENCE.findall(json.dumps(paths)), "method_not_allowed"}
    responses = {code: problem_response(said.status, [code]) for code, said in PROBLEM_CODES.items() if code in shared}
    mentioned = set(REFERENCE.findall(json.dumps([paths, responses, schemas])))
    return {
        "schemas": {name: schema for name, schema in sorted(schemas.items()) if name in mentioned},
        "parameters": parameter_components(),
        "headers": RESPONSE_HEADERS,
        "responses": responses,
        "securitySchemes": SECURITY_SCHEMES,
    }
