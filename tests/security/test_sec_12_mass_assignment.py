"""Nobody sets what is not theirs to set: whatever a schema does not name is refused, on every route, at every depth."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.bar import Bar
from tests.support.callers import Callers
from tests.support.operations import body_schema, with_body

Path = tuple[str | int, ...]

# What tables hold and no body may say, what frameworks of others look at, and what is merely misspelt.
NOT_THEIRS = {
    *("role", "status", "user_id", "principal_id", "placed_at", "id", "created_at", "created_by", "updated_at"),
    *("token_epoch", "disabled", "disabled_at", "password_hash", "pin_hash", "table_id", "secret", "integration_id"),
    *("scopes", "fingerprint", "idempotency_key", "claimed_by", "due_at", "remaining", "is_admin", "admin"),
    *("__proto__", "constructor", "$where", "xyzzy"),
}
BATCH = "POST /orders/batch"  # each of its orders has an outcome of its own
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
PAGES = frozenset({"GET /", "GET /t/<link>", "GET /board", "GET /manager", "GET /docs"})


@pytest.fixture(scope="module")
def callers(shared_app: Flask, shared_bar: Bar) -> Callers:
    return Callers(shared_app, shared_bar)


def objects(
    body: Any, schema: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], set[str]]]:
    """Every object in a body: where it is, and what its schema names."""
    if isinstance(body, list):
        for index, each in enumerate(body):
            yield from objects(each, schema["items"], (*path, index))
    if isinstance(body, dict):
        known = schema.get("properties", {})
        yield path, set(known)
        for name, each in body.items():
            yield from objects(each, known[name], (*path, name))


def with_more(body: Any, path: Path, names: set[str]) -> Any:
    """The body, and in the object at this place fields that nobody asked for."""
    sent = deepcopy(body)
    target = sent
    for step in path:
        target = target[step]
    target.update(dict.fromkeys(names, "admin"))
    return sent


def named(answer: TestResponse) -> tuple[int, set[str]]:
    """The status, and the fields that are named as wrong."""
    return answer.status_code, {error["field"] for error in answer.get_json()["errors"]}


CASES = [
    pytest.param(route, body, path, NOT_THEIRS - known, id=f"{route} {'.'.join(map(str, path))} {number}")
    for route, bodies in with_body().items()
    if route != BATCH
    for number, body in enumerate(bodies)
    for path, known in objects(body, body_schema(route))
]


@pytest.mark.parametrize(("route", "body", "path", "names"), CASES)
def test_sec_12_no_body_says_more_than_its_schema_names(
    callers: Callers, route: str, body: Any, path: Path, names: set[str]
) -> None:
    answer = callers.request(route, "admin", body=with_more(body, path, names), **OWN_PAGE)
    status, fields = named(answer)
    assert 422 == status, answer.text
    assert {".".join(map(str, (*path, name))) for name in names} <= fields


def test_sec_12_no_order_of_a_batch_does_either(callers: Callers) -> None:
    [body] = with_body()[BATCH]
    orders = [with_more(order, (), NOT_THEIRS - {"idempotency_key"}) for order in body["orders"]]
    outcomes = callers.request(BATCH, "admin", body={"orders": orders}).get_json()["orders"]
    assert [422] * len(orders) == [outcome["status"] for outcome in outcomes]
    wrong = [{error["field"] for error in outcome["error"]["errors"]} for outcome in outcomes]
    assert [NOT_THEIRS - {"idempotency_key"}] * len(orders) == wrong
    assert (422, NOT_THEIRS) == named(callers.request(BATCH, "admin", body=with_more(body, (), NOT_THEIRS)))


@pytest.mark.parametrize("route", with_body())
def test_sec_12_every_body_is_documented_as_closed(route: str) -> None:
    assert [] == [schema for schema in objects_of(body_schema(route)) if schema["additionalProperties"] is not False]


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of an object in a schema, but for what `not` and `if` say of it."""
    if schema.get("type") == "object":
        yield schema
    for child in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from objects_of(child)


def test_sec_12_no_route_lets_an_unknown_query_parameter_pass(callers: Callers) -> None:
    passed = {}
    for route in callers.views.keys() - PAGES:
        answer = callers.request(route, "admin", "?serach=x", **OWN_PAGE)
        if (422, {"serach"}) != named(answer):
            passed[route] = answer.text
    assert {} == passed
