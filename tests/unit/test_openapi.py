"""The OpenAPI document: whole, valid, and what the code says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_smorest.spec.plugins import FlaskPlugin
from marshmallow import fields
from openapi_spec_validator import OpenAPIV31SpecValidator

from dev.openapi import operations
from dev.openapi_changes import problem_codes
from shakerqueue.api.account_schemas import PinSchema, RightsChangeSchema
from shakerqueue.api.fields import BoundedList, Moment, StrictSchema
from shakerqueue.api.guards import GUARD_ATTRIBUTE, SCOPE_ATTRIBUTE
from shakerqueue.api.menu_schemas import RecipeChangeSchema, RecipeIngredientSchema
from shakerqueue.api.schemas import OrderLineSchema, PlaceOrderSchema
from shakerqueue.app import register_api
from shakerqueue.queries.models import UserRole
from shakerqueue.webhook_types import TEST, WebhookType
from tests.support.contract import problems_of

APP = Flask("tests", static_folder=None)
DOCUMENT = register_api(APP)
OPERATIONS = operations(DOCUMENT)
ANSWERS = [(name, status) for name, operation in OPERATIONS.items() for status in operation["responses"]]
BODIES = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]
ERROR = "application/problem+json"
GIN = {"name": "Gin", "amount": 30, "unit": "ml"}
SCHEMAS = DOCUMENT["components"]["schemas"]


def views() -> dict[str, Callable[..., Any]]:
    """The view of each operation of the URL map, pages excepted, by the name that the document should have for it."""
    return {
        f"{method} {FlaskPlugin.flaskpath2openapi(rule.rule)}": APP.view_functions[rule.endpoint]
        for rule in APP.url_map.iter_rules()
        if not rule.endpoint.startswith(("pages.", "docs."))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def references(node: Any) -> Iterator[str]:
    """What a part of the document refers to."""
    if isinstance(node, dict):
        yield from [node["$ref"]] if "$ref" in node else []
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def reachable(node: Any) -> set[str]:
    """The names of all schemas that a part of the document leads to."""
    names = {it.rpartition("/")[2] for it in references(node) if it.startswith("#/components/schemas/")}
    return names.union(*(reachable(SCHEMAS[name]) for name in names))


def test_it_is_valid() -> None:
    assert [] == [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()]


def test_every_message_of_webhooks_is_in_it_with_an_example_that_is_good() -> None:
    assert {*WebhookType, TEST} == set(DOCUMENT["webhooks"])
    for kind, path in DOCUMENT["webhooks"].items():
        content = path["post"]["requestBody"]["content"]["application/json"]
        [example] = content["examples"].values()
        schema = {**content["schema"], "components": DOCUMENT["components"]}
        assert ([], kind) == (problems_of(schema, example["value"]), example["value"]["type"])


def test_every_route_but_the_pages_is_in_it() -> None:
    assert set(views()) == set(OPERATIONS)


def test_an_operation_is_named_like_its_view() -> None:
    assert {name: view.__name__ for name, view in views().items()} == {
        name: operation["operationId"] for name, operation in OPERATIONS.items()
    }
    assert len(OPERATIONS) == len({operation["operationId"] for operation in OPERATIONS.values()})


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_is_and_who_may(name: str) -> None:
    operation, roles = OPERATIONS[name], getattr(views()[name], GUARD_ATTRIBUTE)
    scope = getattr(views()[name], SCOPE_ATTRIBUTE, None)
    assert operation["summary"]
    assert operation["description"].startswith(operation["summary"])
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    ways = {scheme: set(named) for way in operation["security"] for scheme, named in way.items()}
    if roles is None:
        assert {} == ways
    else:
        people = roles - {UserRole.INTEGRATION}
        key = ways.pop("apiKey", None)
        assert {"accessToken": people, "pageSession": people} == ways
        assert ({scope} if scope else set() if people != roles else None) == key


@pytest.mark.parametrize("name", BODIES)
def test_a_request_has_examples_that_are_good(name: str) -> None:
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    assert content["examples"]
    for example in content["examples"].values():
        assert [] == problems_of(content["schema"], example["value"])


@pytest.mark.parametrize(("name", "status"), ANSWERS)
def test_an_answer_has_the_requests_id_and_examples_that_are_good(name: str, status: str) -> None:
    answer = OPERATIONS[name]["responses"][status]
    assert "X-Request-Id" in answer["headers"]
    for media_type, content in answer.get("content", {}).items():
        assert "example" in content if media_type.startswith(("text/", "image/")) else content["examples"]
        for example in content.get("examples", {}).values():
            assert [] == problems_of(content["schema"], example["value"])


@pytest.mark.parametrize(("name", "status"), [(name, status) for name, status in ANSWERS if status >= "400"])
def test_an_error_is_a_problem_with_its_codes(name: str, status: str) -> None:
    if (name, status) == ("GET /readyz", "503"):  # says what is away, as its 200 does
        return
    [(media_type, content)] = OPERATIONS[name]["responses"][status]["content"].items()
    assert (ERROR, "Problem") == (media_type, described_by(name, status))
    for code, example in content["examples"].items():
        assert (code, int(status)) == (example["value"]["code"], example["value"]["status"])


@pytest.mark.parametrize("name", [name for name, operation in OPERATIONS.items() if "403" in operation["responses"]])
def test_a_key_that_lacks_a_scope_is_told_so_by_a_header_as_well(name: str) -> None:
    answer = OPERATIONS[name]["responses"]["403"]
    codes = set(answer["content"][ERROR]["examples"])
    header = answer["headers"].get("WWW-Authenticate")
    assert ("insufficient_scope" in codes) == (header is not None)
    assert header is None or (codes == {"insufficient_scope"}) == header["required"]


def test_a_batch_names_each_code_that_an_order_of_it_may_fail_with() -> None:
    answer = OPERATIONS["POST /orders/batch"]["responses"]["200"]
    examples = answer["content"]["application/json"]["examples"].values()
    told = set().union(*(problem_codes(each["value"]) for each in examples))
    assert {"bar_closed", "sold_out", "unknown_recipe", "idempotency_conflict", "invalid", "unavailable"} == told
    assert [] == [code for code in told if f"`{code}`" not in answer["description"]]


def test_the_example_of_a_new_key_is_one_that_can_be() -> None:
    """Never used yet, and of three different things."""
    content = OPERATIONS["POST /api-keys"]["responses"]["201"]["content"]["application/json"]
    [example] = [each["value"] for each in content["examples"].values()]
    assert example["last_used_at"] is None
    assert 3 == len({example["id"], example["integration"]["id"], example["created_by"]})


def described_by(name: str, status: str) -> str:
    method, path = name.split(" ")
    answer = DOCUMENT["paths"][path][method.lower()]["responses"][status]
    if "$ref" in answer:
        answer = DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return str(answer["content"][ERROR]["schema"]["$ref"].rpartition("/")[2])


def test_what_is_sent_is_closed_and_what_is_answered_may_grow() -> None:
    sent = reachable(
        [operation.get("requestBody") for path in DOCUMENT["paths"].values() for operation in path.values()]
    )
    answered = reachable([operation["responses"] for path in DOCUMENT["paths"].values() for operation in path.values()])
    assert [] == [name for name in sent if SCHEMAS[name].get("additionalProperties") is not False]
    assert [] == [name for name in answered if "additionalProperties" in SCHEMAS[name]]


@pytest.mark.parametrize(("schema", "member"), [("ApiKey", "scopes"), ("User", "role"), ("PageSession", "role")])
def test_roles_and_scopes_may_come(schema: str, member: str) -> None:
    said = SCHEMAS[schema]["properties"][member]
    values = said.get("items", said)
    assert "enum" not in values
    assert values["x-extensible-enum"]
    assert None not in values["x-extensible-enum"]


def test_an_answer_always_has_all_its_members_but_those_that_are_named() -> None:
    answered = reachable([operation["responses"] for path in DOCUMENT["paths"].values() for operation in path.values()])
    optional = {name: set(SCHEMAS[name]["properties"]) - set(SCHEMAS[name]["required"]) for name in answered}
    assert {
        "MenuEntry": {"remaining"},
        "OrderOutcome": {"order", "replayed", "error"},
        "Problem": {"allowed", "reason", "reopens_at", "attempts_left"},
    } == {name: members for name, members in optional.items() if members}


def test_every_list_that_is_sent_is_bounded() -> None:
    """And by a BoundedList: a bound that is checked last does not keep a long list from being worked through."""
    lists = [
        (schema.__name__, name, isinstance(field, BoundedList))
        for schema in request_schemas(StrictSchema)
        for name, field in schema._declared_fields.items()
        if isinstance(field, fields.List)
    ]
    assert lists
    assert [] == [(schema, name) for schema, name, is_bounded in lists if not is_bounded]


def test_every_time_that_is_sent_is_one_that_can_be_stored() -> None:
    times = {
        (schema.__name__, name): type(field)
        for schema in request_schemas(StrictSchema)
        for name, field in schema._declared_fields.items()
        if isinstance(field, fields.DateTime)
    }
    assert {Moment} == set(times.values()), times


def request_schemas(schema: type[StrictSchema]) -> Iterator[type[StrictSchema]]:
    """The schema and all of the product's that are made from it; tests make some, too."""
    if schema.__module__.startswith("shakerqueue."):
        yield schema
    for each in schema.__subclasses__():
        yield from request_schemas(each)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (PlaceOrderSchema, {"recipe": "Negroni"}, {"recipe": "Negroni", "items": [{"recipe": "Negroni"}]}),
        (PlaceOrderSchema, {"items": [{"recipe": "Negroni"}]}, {}),
        (PlaceOrderSchema, {"recipe": "Negroni", "note": None}, {"recipe": "Negroni", "note": ""}),
        (PlaceOrderSchema, {"recipe": "N" * 100}, {"recipe": "N" * 101}),
        (OrderLineSchema, {"recipe": "Negroni", "quantity": 100}, {"recipe": "Negroni", "quantity": 101}),
        (RecipeIngredientSchema, {**GIN, "amount": 0.5}, {**GIN, "amount": 0}),
        (RecipeIngredientSchema, GIN, {**GIN, "name": " Gin"}),
        (RecipeChangeSchema, {"remaining": 1}, {"remaining": 1, "remaining_delta": 1}),
        (RightsChangeSchema, {"role": "admin"}, {"role": "integration"}),
        (RightsChangeSchema, {"disabled": True}, {}),
        (PinSchema, {"pin": "4825", "password": "any"}, {"pin": "482", "password": "any"}),
    ],
)
def test_a_request_is_described_as_strictly_as_it_is_checked(
    schema: type[StrictSchema], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    name = schema.__name__.removesuffix("Schema")
    described = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    assert ([], {}) == (problems_of(described, good), schema().validate(good))
    assert (True, True) == (bool(problems_of(described, bad)), bool(schema().validate(bad)))


def test_a_text_is_described_as_one_that_can_be_stored() -> None:
    assert ["$.recipe"] == [
        it.partition(":")[0] for it in problems_of({**DOCUMENT, **SCHEMAS["PlaceOrder"]}, {"recipe": "Negroni\0"})
    ]


@pytest.mark.parametrize(
    ("good", "bad"), [({"all": True}, {"all": True, "reason": "any"}), ({"reason": "any"}, {"reason": None})]
)
def test_letters_are_chosen_or_all_of_them_are_meant(good: dict[str, Any], bad: dict[str, Any]) -> None:
    described = SCHEMAS["DeadLetterChoice"]
    assert ([], True) == (problems_of(described, good), bool(problems_of(described, bad)))
