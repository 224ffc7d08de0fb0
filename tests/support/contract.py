"""Holds answers against the OpenAPI document: no test of the API passes with one that the document does not know."""

from functools import cache
from ipaddress import IPv4Network
from typing import Any

from flask.testing import FlaskClient
from flask_smorest.spec.plugins import FlaskPlugin
from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from dev.openapi import Document, operations
from dev.openapi_changes import problem_codes
from shakerqueue.api.openapi.headers import RESPONSE_HEADERS
from shakerqueue.app import describe_api

STREAM = "text/event-stream"
JSON = ("application/json", "application/problem+json")


class CheckedClient(FlaskClient):
    """Flask's test client, which fails where the API and its document say different things.

    Each is somebody with an address of their own, so that no test uses up what another may ask.
    """

    _addresses = map(str, IPv4Network("10.0.0.0/8").hosts())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.environ_base["REMOTE_ADDR"] = next(self._addresses)

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        name = self._operation_name(response)
        if name in documented():
            check_answer(name, documented()[name], response)
            if response.status_code < 300 and not is_refusal_in_part(name, response):
                body = self.application.json.loads(self.application.json.dumps(kwargs.get("json")))
                check_request(name, documented()[name], response, body)
        return response

    def _operation_name(self, response: TestResponse) -> str:
        """As the document names it; the method alone where the answer is that of no operation."""
        environ = response.request.environ
        try:
            rule, _ = self.application.url_map.bind_to_environ(environ).match(return_rule=True)
        except HTTPException:
            return str(response.request.method)
        return f"{response.request.method} {FlaskPlugin.flaskpath2openapi(rule.rule)}"


@cache
def documented() -> dict[str, Document]:
    """The operations of the document."""
    return operations(describe_api())


@cache
def documented_messages() -> dict[str, Document]:
    """The messages of webhooks, as schemas by type."""
    document = describe_api()
    return {
        kind: {**path["post"]["requestBody"]["content"][JSON[0]]["schema"], "components": document["components"]}
        for kind, path in document["webhooks"].items()
    }


def check_message(message: Any) -> None:
    """A webhook's message is as the document says."""
    assert [] == problems_of(documented_messages()[message["type"]], message), f"sent {message}"


def check_answer(name: str, operation: Document, response: TestResponse) -> None:
    """Status, media type, headers, kind of error and body are as the document says."""
    where = f"{name} answered {response.status_code}"
    assert str(response.status_code) in operation["responses"], f"{where}, which is not documented: {response.text}"
    said = operation["responses"][str(response.status_code)]
    missing = [
        header for header, it in said["headers"].items() if it.get("required") and header not in response.headers
    ]
    assert [] == missing, f"{where} without {missing}"
    strange = [header for header in RESPONSE_HEADERS if header in response.headers and header not in said["headers"]]
    assert [] == strange, f"{where} with {strange}, which are not documented"
    if "content" not in said:
        assert b"" == response.data, f"{where} with a body: {response.text}"
        return
    assert response.mimetype in said["content"], f"{where} as {response.mimetype}, which is not documented"
    if response.mimetype in JSON:
        check_body(where, said["content"][response.mimetype], response)


def check_body(where: str, content: Document, response: TestResponse) -> None:
    body = response.get_json(force=True)
    assert [] == problems_of(content["schema"], body), f"{where} with {body}"
    documented_codes = {code for each in content["examples"].values() for code in problem_codes(each["value"])}
    assert problem_codes(body) <= documented_codes, f"{where} with a code that is not documented: {body}"


def is_refusal_in_part(name: str, response: TestResponse) -> bool:
    """A batch is taken though some of its orders are not: they are told apart in the answer."""
    return name == "POST /orders/batch" and any("error" in one for one in response.get_json()["orders"])


def check_request(name: str, operation: Document, response: TestResponse, body: Any) -> None:
    """What the API takes is what the document lets one send."""
    known = {it["name"] for it in operation.get("parameters", []) if it["in"] == "query"}
    assert set(response.request.args) <= known, f"{name} took a query parameter that is not documented"
    content = operation.get("requestBody", {}).get("content", {}).get(JSON[0])
    if content and body is not None:
        assert [] == problems_of(content["schema"], body), f"{name} took {body}"


def problems_of(schema: Document, value: Any) -> list[str]:
    """What keeps a value from being what the schema says."""
    checked = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in checked]
