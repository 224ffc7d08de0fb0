"""Bad recipes: the right 4xx naming the field, and nothing changed. All of them at one bar, since nothing changes."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.bar import Bar

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar


def ingredient(**fields: Any) -> dict[str, Any]:
    return {"name": "gin", "amount": 30, "unit": "ml", **fields}


GOOD: dict[str, Any] = {"name": "New", "build": "sour", "ingredients": [ingredient()]}

# What is wrong both in a new recipe and in a change.
BAD_FIELDS: list[tuple[str, Any, str]] = [
    ("name", None, "name"),
    ("name", "", "name"),
    ("name", "x" * 101, "name"),
    ("name", 7, "name"),
    ("name", " Margarita", "name"),
    ("name", "Margarita\u00a0", "name"),
    ("name", "Marga\nrita", "name"),
    ("name", "Marga\x1b[31mrita", "name"),
    ("build", "blended", "build"),
    ("build", None, "build"),
    ("build", [], "build"),
    ("build", 1, "build"),
    ("ingredients", [], "ingredients"),
    ("ingredients", None, "ingredients"),
    ("ingredients", "gin", "ingredients"),
    ("ingredients", ["gin"], "ingredients.0"),
    ("ingredients", [ingredient()] * 31, "ingredients"),
    ("ingredients", [ingredient(), ingredient(name="GIN")], "ingredients.1.name"),
    ("ingredients", [{"name": "gin", "unit": "ml"}], "ingredients.0.amount"),
    ("ingredients", [ingredient(amount=0)], "ingredients.0.amount"),
    ("ingredients", [ingredient(amount=-1)], "ingredients.0.amount"),
    ("ingredients", [ingredient(amount=True)], "ingredients.0.amount"),
    ("ingredients", [ingredient(amount="30")], "ingredients.0.amount"),
    ("ingredients", [ingredient(amount=10**30)], "ingredients.0.amount"),
    ("ingredients", [ingredient(unit="")], "ingredients.0.unit"),
    ("ingredients", [ingredient(colour="clear")], "ingredients.0.colour"),
    ("allergens", "milk", "allergens"),
    ("allergens", ["milk", "Milk"], "allergens.1"),
    ("allergens", [7], "allergens.0"),
    ("allergens", ["x" * 41], "allergens.0"),
    ("allergens", [str(number) for number in range(21)], "allergens"),
    ("station", None, "station"),
    ("station", "x" * 41, "station"),
    ("prep_seconds", 0, "prep_seconds"),
    ("prep_seconds", 3601, "prep_seconds"),
    ("prep_seconds", 1.5, "prep_seconds"),
    ("priority", 10, "priority"),
    ("priority", -1, "priority"),
    ("priority", True, "priority"),
    ("available", None, "available"),
    ("available", "yes", "available"),
    ("remaining", -1, "remaining"),
    ("remaining", 12.5, "remaining"),
    ("remaining", "12", "remaining"),
    ("remaining", 10**12, "remaining"),
    ("id", "00000000-0000-0000-0000-000000000000", "id"),
    ("archived_at", None, "archived_at"),
]
BAD_CHANGES: list[tuple[str, Any, str]] = [
    ("remaining_delta", None, "remaining_delta"),
    ("remaining_delta", 1.5, "remaining_delta"),
    ("remaining_delta", 10**12, "remaining_delta"),
]


def fields_of(answer: Any) -> list[str]:
    assert (422, "application/problem+json") == (answer.status_code, answer.content_type)
    return [error["field"] for error in answer.get_json()["errors"]]


def books(bar: Bar) -> list[tuple[object, ...]]:
    return bar.query("SELECT id, updated_at FROM recipes ORDER BY id")


@pytest.mark.parametrize(("name", "value", "field"), BAD_FIELDS)
def test_a_bad_new_recipe_is_refused_by_field(
    client: FlaskClient, bartender: Headers, bar: Bar, name: str, value: Any, field: str
) -> None:
    before = books(bar)
    assert [field] == fields_of(client.post("/recipes", json={**GOOD, name: value}, headers=bartender))
    assert before == books(bar)


@pytest.mark.parametrize(("name", "value", "field"), BAD_FIELDS + BAD_CHANGES)
def test_a_bad_change_is_refused_by_field(
    client: FlaskClient, bartender: Headers, bar: Bar, name: str, value: Any, field: str
) -> None:
    before = books(bar)
    path = f"/recipes/{before[0][0]}"
    assert [field] == fields_of(client.patch(path, json={name: value}, headers=bartender))
    assert before == books(bar)


@pytest.mark.parametrize("missing", ["name", "build", "ingredients"])
def test_a_new_recipe_needs_its_name_build_and_ingredients(
    client: FlaskClient, bartender: Headers, missing: str
) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}
    assert [missing] == fields_of(client.post("/recipes", json=body, headers=bartender))


def test_a_new_recipe_takes_no_delta(client: FlaskClient, bartender: Headers) -> None:
    assert ["remaining_delta"] == fields_of(
        client.post("/recipes", json={**GOOD, "remaining_delta": 1}, headers=bartender)
    )


def test_a_count_is_set_or_added_to_and_not_both(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    answer = client.patch(
        f"/recipes/{books(bar)[0][0]}", json={"remaining": 1, "remaining_delta": 1}, headers=bartender
    )
    assert ["remaining_delta"] == fields_of(answer)


@pytest.mark.parametrize(
    ("status", "data", "content_type"),
    [
        (400, b"{", "application/json"),
        (400, b'{"name":"a","name":"b"}', "application/json"),
        (400, b'{"name":"Marga\\u0000rita"}', "application/json"),
        (400, b'{"name":"\\ud83c"}', "application/json"),
        (400, b'{"remaining":NaN}', "application/json"),
        (422, b'{"ingredients":[{"name":"gin","amount":1e999,"unit":"ml"}]}', "application/json"),
        (413, b'{"name":"' + b"x" * 70_000 + b'"}', "application/json"),
        (415, b"{}", "text/plain"),
        (422, b"[]", "application/json"),
    ],
)
def test_what_is_no_recipe_at_all_is_refused(
    client: FlaskClient, bartender: Headers, bar: Bar, status: int, data: bytes, content_type: str
) -> None:
    before = books(bar)
    for method, path in (("POST", "/recipes"), ("PATCH", f"/recipes/{before[0][0]}")):
        answer = client.open(path, method=method, data=data, content_type=content_type, headers=bartender)
        assert (status, "application/problem+json") == (answer.status_code, answer.content_type)
    assert before == books(bar)
