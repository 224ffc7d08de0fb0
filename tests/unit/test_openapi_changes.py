"""Which changes of the contract break a client, and which do not: one case a rule."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from dev.openapi_changes import breaking_changes

Change = Callable[[dict[str, Any]], object]
Case = tuple[Change, str]

CONTRACT: dict[str, Any] = {
    "servers": [{"url": "/"}],
    "paths": {
        "/drinks": {
            "post": {
                "operationId": "order_drink",
                "security": [{"accessToken": ["employee"]}, {"apiKey": ["orders:write"]}],
                "parameters": [
                    {
                        "in": "query",
                        "name": "wait",
                        "schema": {"type": "integer", "default": 0, "minimum": 0, "maximum": 30},
                    },
                    {"$ref": "#/components/parameters/Idempotency-Key"},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                },
                "responses": {
                    "202": {
                        "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Drink"}},
                            "text/csv": {"schema": {"type": "string"}},
                        },
                    },
                    "409": {
                        "content": {
                            "application/problem+json": {
                                "schema": {"type": "object"},
                                "examples": {"sold_out": {"value": {"code": "sold_out", "request_id": "1"}}},
                            }
                        }
                    },
                },
            }
        },
        "/menu": {"get": {"operationId": "get_menu", "security": [], "responses": {"200": {}}}},
    },
    "components": {
        "parameters": {"Idempotency-Key": {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}}},
        "securitySchemes": {
            "accessToken": {"type": "http", "scheme": "bearer"},
            "pageSession": {"type": "apiKey", "in": "cookie", "name": "access_token"},
        },
        "schemas": {
            "Order": {
                "type": "object",
                "properties": {
                    "recipe": {"type": "string", "minLength": 1, "maxLength": 100},
                    "size": {"type": "string", "enum": ["single", "double"], "default": "single"},
                    "note": {"type": ["string", "null"]},
                    "modifiers": {"type": "array", "items": {"type": "string"}},
                    "sizes": {"type": "array"},
                },
                "required": ["recipe"],
            },
            "Drink": {
                "type": "object",
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "status": {"type": "string", "enum": ["queued", "made"]},
                    "number": {"type": "integer"},
                    "allergens": {"type": "array", "items": {"type": "string"}},
                    "events": {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}},
                    "maker": {"anyOf": [{"type": "object", "properties": {"name": {}}}, {"type": "null"}]},
                },
                "required": ["id", "status", "maker"],
            },
        },
    },
}


def operation(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/drinks"]["post"]
    return found


def answers(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = operation(document)["responses"]
    return found


def sent(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["Order"]
    return found


def answered(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["Drink"]
    return found


def schemes(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["securitySchemes"]
    return found


BREAKING: dict[str, Case] = {
    "it is found elsewhere": (lambda it: it["servers"][0].update(url="/v2"), "server / is gone"),
    "a token is shown in another way": (
        lambda it: schemes(it)["accessToken"].update(scheme="basic"),
        "security scheme accessToken: scheme bearer is basic now",
    ),
    "a cookie has another name": (
        lambda it: schemes(it)["pageSession"].update(name="token"),
        "security scheme pageSession: name access_token is token now",
    ),
    "a cookie becomes a header": (
        lambda it: schemes(it)["pageSession"].update({"in": "header"}),
        "security scheme pageSession: in cookie is header now",
    ),
    "a way in is of another type": (
        lambda it: schemes(it)["pageSession"].update(type="http"),
        "security scheme pageSession: type apiKey is http now",
    ),
    "a parameter has another default": (
        lambda it: operation(it)["parameters"][0]["schema"].update(default=10),
        "query parameter wait: default is 10 now",
    ),
    "a parameter has a default": (
        lambda it: it["components"]["parameters"]["Idempotency-Key"]["schema"].update(default="k"),
        "header parameter Idempotency-Key: default is k now",
    ),
    "a member has another default": (
        lambda it: sent(it)["properties"]["size"].update(default="double"),
        "body.size: default is double now",
    ),
    "what is not named is refused": (
        lambda it: sent(it).update(additionalProperties=False),
        "body: members that it does not name are taken no more",
    ),
    "what a list holds is bound for the first time": (
        lambda it: sent(it)["properties"]["sizes"].update(items={"type": "string"}),
        "body.sizes[]: array, boolean, integer, null, number, object is taken no more",
    ),
    "a header is of another type": (
        lambda it: answers(it)["202"]["headers"]["Location"]["schema"].update(type="integer"),
        "202: header Location: may be integer now",
    ),
    "a header is not always there": (
        lambda it: answers(it)["202"]["headers"]["Location"].update(required=False),
        "202: header Location is not always there any more",
    ),
    "a list may hold anything": (
        lambda it: answered(it)["properties"]["allergens"].pop("items"),
        "body.allergens[]: may be array, boolean, integer, null, number, object now",
    ),
    "a path is removed": (lambda it: it["paths"].pop("/menu"), "GET /menu is gone"),
    "a method is removed": (lambda it: it["paths"]["/drinks"].pop("post"), "POST /drinks is gone"),
    "an operation is renamed": (
        lambda it: operation(it).update(operationId="place"),
        "operationId order_drink is place",
    ),
    "a parameter is removed": (lambda it: operation(it)["parameters"].pop(0), "query parameter wait is gone"),
    "a parameter has to be given": (
        lambda it: operation(it)["parameters"][0].update(required=True),
        "query parameter wait is needed now",
    ),
    "a new parameter has to be given": (
        lambda it: operation(it)["parameters"].append(
            {"in": "query", "name": "bar", "required": True, "schema": {"type": "string"}}
        ),
        "query parameter bar is needed now",
    ),
    "a parameter's range is narrowed": (
        lambda it: operation(it)["parameters"][0]["schema"].update(maximum=10),
        "query parameter wait: maximum is 10 now",
    ),
    "a header that is read is bound": (
        lambda it: it["components"]["parameters"]["Idempotency-Key"]["schema"].update(pattern="^x"),
        "header parameter Idempotency-Key: has another pattern",
    ),
    "a form of the body is taken no more": (
        lambda it: operation(it)["requestBody"].update(content={}),
        "a body of application/json is taken no more",
    ),
    "a member is taken no more": (lambda it: sent(it)["properties"].pop("note"), "body.note is taken no more"),
    "a member has to be given": (lambda it: sent(it)["required"].append("size"), "body.size is needed now"),
    "a new member has to be given": (
        lambda it: (sent(it)["properties"].update(bar={"type": "string"}), sent(it)["required"].append("bar")),
        "body.bar is needed now",
    ),
    "null is taken no more": (
        lambda it: sent(it)["properties"]["note"].update(type="string"),
        "body.note: null is taken no more",
    ),
    "a text has to be shorter": (
        lambda it: sent(it)["properties"]["recipe"].update(maxLength=50),
        "body.recipe: maxLength is 50 now",
    ),
    "a text has to be longer": (
        lambda it: sent(it)["properties"]["recipe"].update(minLength=2),
        "body.recipe: minLength is 2 now",
    ),
    "a list is bound": (
        lambda it: sent(it)["properties"]["modifiers"].update(maxItems=3),
        "body.modifiers: maxItems is 3 now",
    ),
    "what a list holds is bound": (
        lambda it: sent(it)["properties"]["modifiers"]["items"].update(maxLength=3),
        "body.modifiers[]: maxLength is 3 now",
    ),
    "a value is taken no more": (
        lambda it: sent(it)["properties"]["size"].update(enum=["single"]),
        "body.size: double is taken no more",
    ),
    "a condition comes": (lambda it: sent(it).update({"not": {"required": ["note"]}}), "body: has another not"),
    "a status is removed": (lambda it: answers(it).pop("409"), "409 is gone"),
    "a header is not answered any more": (
        lambda it: answers(it)["202"]["headers"].pop("Location"),
        "202: header Location is gone",
    ),
    "a form of the answer is gone": (lambda it: answers(it)["202"]["content"].pop("text/csv"), "202: text/csv is gone"),
    "a kind of error is gone": (
        lambda it: answers(it)["409"]["content"]["application/problem+json"]["examples"].pop("sold_out"),
        "409: code sold_out is gone",
    ),
    "a member is not answered any more": (
        lambda it: answered(it)["properties"].pop("number"),
        "body.number is gone",
    ),
    "a member of a list's members is gone": (
        lambda it: answered(it)["properties"]["events"]["items"]["properties"].pop("at"),
        "body.events[].at is gone",
    ),
    "a member of an alternative is gone": (
        lambda it: answered(it)["properties"]["maker"]["anyOf"][0]["properties"].pop("name"),
        "body.maker.name is gone",
    ),
    "a member is of another type": (
        lambda it: answered(it)["properties"]["number"].update(type="string"),
        "body.number: may be string now",
    ),
    "a member may be null": (
        lambda it: answered(it)["properties"]["number"].update(type=["integer", "null"]),
        "body.number: may be null now",
    ),
    "a member is of another format": (
        lambda it: answered(it)["properties"]["id"].pop("format"),
        "body.id: format uuid is None now",
    ),
    "a member is not always there": (
        lambda it: answered(it)["required"].remove("status"),
        "body.status is not always there any more",
    ),
    "a closed enumeration grows": (
        lambda it: answered(it)["properties"]["status"]["enum"].append("spilt"),
        "body.status: may be spilt now",
    ),
    "somebody has to say who they are": (
        lambda it: it["paths"]["/menu"]["get"].update(security=[{"accessToken": ["customer"]}]),
        'GET /menu: security is [{"accessToken": ["customer"]}] now',
    ),
    "a role may no more": (
        lambda it: operation(it)["security"][0].update(accessToken=["admin"]),
        "POST /drinks: security is",
    ),
    "a way in is gone": (lambda it: operation(it)["security"].pop(), "POST /drinks: security is"),
    "a key needs another scope": (
        lambda it: operation(it)["security"][1]["apiKey"].append("orders:read"),
        "POST /drinks: security is",
    ),
}

COMPATIBLE: dict[str, Change] = {
    "nothing": lambda it: it,
    "a path comes": lambda it: it["paths"].update({"/bar": {"get": {}}}),
    "anyone may": lambda it: operation(it).update(security=[]),
    "a role more may": lambda it: operation(it)["security"][0]["accessToken"].append("admin"),
    "another way in": lambda it: operation(it)["security"].append({"pageSession": []}),
    "a parameter that need not be given": lambda it: operation(it)["parameters"].append(
        {"in": "query", "name": "bar", "schema": {"type": "string"}}
    ),
    "a member that need not be given": lambda it: sent(it)["properties"].update(bar={"type": "string"}),
    "a member need not be given any more": lambda it: (
        sent(it).update(required=[]),
        sent(it)["properties"]["recipe"].update(default="Margarita"),
    ),
    "it is found elsewhere as well": lambda it: it["servers"].append({"url": "/v1"}),
    "another scheme": lambda it: schemes(it).update(apiKey={"type": "http", "scheme": "bearer"}),
    "a scheme is described otherwise": lambda it: schemes(it)["accessToken"].update(description="A token."),
    "a header comes": lambda it: answers(it)["202"]["headers"].update(ETag={"schema": {"type": "string"}}),
    "a list may hold more": lambda it: sent(it)["properties"]["modifiers"].pop("items"),
    "a wider range": lambda it: operation(it)["parameters"][0]["schema"].update(maximum=60),
    "no bound any more": lambda it: sent(it)["properties"]["recipe"].pop("maxLength"),
    "another value is taken": lambda it: sent(it)["properties"]["size"]["enum"].append("triple"),
    "null is taken": lambda it: sent(it)["properties"]["size"].pop("enum"),
    "a body need not be sent": lambda it: operation(it)["requestBody"].update(required=False),
    "another member is answered": lambda it: answered(it)["properties"].update(bar={"type": "string"}),
    "a member is always there": lambda it: answered(it)["required"].append("number"),
    "a member is never null": lambda it: answered(it)["properties"]["maker"]["anyOf"].pop(),
    "a status comes": lambda it: answers(it).update({"429": {}}),
    "another form of the answer": lambda it: answers(it)["202"]["content"].update({"text/plain": {"schema": {}}}),
    "a kind of error comes": lambda it: answers(it)["409"]["content"]["application/problem+json"]["examples"].update(
        bar_closed={"value": {"code": "bar_closed", "request_id": "1"}}
    ),
}


@pytest.mark.parametrize(("change", "said"), BREAKING.values(), ids=BREAKING)
def test_it_breaks_clients(change: Change, said: str) -> None:
    changed = deepcopy(CONTRACT)
    change(changed)
    found = breaking_changes(CONTRACT, changed)
    assert [True] == [said in each for each in found], found


@pytest.mark.parametrize("change", COMPATIBLE.values(), ids=COMPATIBLE)
def test_it_breaks_nobody(change: Change) -> None:
    changed = deepcopy(CONTRACT)
    change(changed)
    assert [] == breaking_changes(CONTRACT, changed)
