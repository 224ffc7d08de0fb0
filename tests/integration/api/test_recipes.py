"""The books of the bar: adding, changing, counting and archiving recipes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from shakerqueue.queries import recipes
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]

NEW: dict[str, Any] = {
    "name": "Пина-колада 🍍 קוקטייל",
    "build": "shaken",
    "ingredients": [
        {"name": "white rum", "amount": 60, "unit": "ml"},
        {"name": "pineapple juice", "amount": 22.5, "unit": "ml"},
    ],
}


def add(client: FlaskClient, who: Headers, **fields: Any) -> dict[str, Any]:
    answer = client.post("/recipes", json={**NEW, **fields}, headers=who)
    assert 201 == answer.status_code, answer.text
    added: dict[str, Any] = answer.get_json()
    return added


def change(client: FlaskClient, who: Headers, recipe: dict[str, Any], **fields: Any) -> Any:
    return client.patch(f"/recipes/{recipe['id']}", json=fields, headers=who)


def names(client: FlaskClient, who: Headers, query: str = "", limit: int = 7) -> list[str]:
    """All names of the list, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = client.get(f"/recipes?limit={limit}{query}{cursor}", headers=who)
        assert 200 == answer.status_code, answer.text
        found += [recipe["name"] for recipe in answer.get_json()["recipes"]]
        if answer.get_json()["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer.get_json()['next_cursor']}"


def test_a_new_recipe_has_the_defaults_and_can_be_ordered(client: FlaskClient, bartender: Headers) -> None:
    answer = client.post("/recipes", json=NEW, headers=bartender)

    recipe = answer.get_json()
    assert (201, f"/recipes/{recipe['id']}") == (answer.status_code, answer.headers["Location"])
    defaults: dict[str, Any] = {"allergens": [], "station": "well", "prep_seconds": None, "priority": None}
    assert {**NEW, **defaults, "available": True, "remaining": None}.items() <= recipe.items()
    assert recipe == client.get(answer.headers["Location"], headers=bartender).get_json()
    assert 202 == client.post("/orders", json={"recipe": NEW["name"]}, headers=bartender).status_code


def test_every_field_can_be_set_and_changed(client: FlaskClient, bartender: Headers) -> None:
    full = {
        "allergens": ["milk"],
        "station": "pool bar",
        "prep_seconds": 200,
        "priority": 9,
        "available": False,
        "remaining": 4,
    }
    recipe = add(client, bartender, **full)
    assert full.items() <= recipe.items()

    other = {
        "name": "Other",
        "build": "sour",
        "ingredients": [{"name": "gin", "amount": 1, "unit": "dash"}],
        "allergens": [],
        "station": "well",
        "prep_seconds": None,
        "priority": 0,
        "available": True,
        "remaining": None,
    }
    changed = change(client, bartender, recipe, **other)
    assert 200 == changed.status_code
    assert other.items() <= changed.get_json().items()
    assert changed.get_json() == client.get(f"/recipes/{recipe['id']}", headers=bartender).get_json()


def test_what_a_change_does_not_name_stays(client: FlaskClient, bartender: Headers) -> None:
    recipe = add(client, bartender, prep_seconds=200, priority=3, remaining=4, allergens=["milk"])
    changed = change(client, bartender, recipe, station="pool bar").get_json()
    assert {**recipe, "station": "pool bar", "updated_at": changed["updated_at"]} == changed
    assert recipe["updated_at"] < changed["updated_at"]
    assert 200 == change(client, bartender, recipe).status_code


def test_a_name_is_taken_whatever_its_case(client: FlaskClient, bartender: Headers) -> None:
    answer = client.post("/recipes", json={**NEW, "name": "MARGARITA"}, headers=bartender)
    assert (409, "name_taken") == (answer.status_code, answer.get_json()["code"])
    assert ["name"] == [error["field"] for error in answer.get_json()["errors"]]

    recipe = add(client, bartender)
    assert "name_taken" == change(client, bartender, recipe, name="negroni").get_json()["code"]
    assert 200 == change(client, bartender, recipe, name=recipe["name"].upper()).status_code


def test_what_is_added_to_the_count_is_added_to_what_is_left_by_now(
    client: FlaskClient, app: Flask, bartender: Headers, services: Services
) -> None:
    """A crate comes in while the bar sells: no sale is lost, and no bottle."""
    recipe = add(client, bartender, remaining=50)

    def sell(_: int) -> None:
        with services.database.transaction() as conn:
            recipes.lock_counted_recipes(conn, ids=[recipe["id"]])
            recipes.take_stock(conn, ids=[recipe["id"]], drinks=[1])

    def restock(_: int) -> int:
        return int(change(app.test_client(), bartender, recipe, remaining_delta=2).status_code)

    with ThreadPoolExecutor(2) as sellers, ThreadPoolExecutor(2) as porters:
        sold = sellers.map(sell, range(40))
        restocked = porters.map(restock, range(20))
    assert ([None] * 40, [200] * 20) == (list(sold), list(restocked))
    assert 50 - 40 + 40 == client.get(f"/recipes/{recipe['id']}", headers=bartender).get_json()["remaining"]


def test_only_what_is_counted_can_be_added_to_and_never_below_zero(client: FlaskClient, bartender: Headers) -> None:
    recipe = add(client, bartender)
    assert "not_counted" == change(client, bartender, recipe, remaining_delta=1).get_json()["code"]

    change(client, bartender, recipe, remaining=2)
    refused = change(client, bartender, recipe, remaining_delta=-3)
    assert (409, "too_few_left") == (refused.status_code, refused.get_json()["code"])
    assert 0 == change(client, bartender, recipe, remaining_delta=-2).get_json()["remaining"]


def test_an_archived_recipe_is_off_the_menu_and_frees_its_name(client: FlaskClient, bartender: Headers) -> None:
    recipe = add(client, bartender)
    path = f"/recipes/{recipe['id']}"
    assert [204, 204] == [client.delete(path, headers=bartender).status_code for _ in range(2)]

    archived = client.get(path, headers=bartender).get_json()
    assert archived["archived_at"] is not None
    assert (409, "archived") == (
        (answer := change(client, bartender, recipe, name="x")).status_code,
        answer.json["code"],
    )
    assert recipe["name"] not in names(client, bartender)
    eventually(lambda: client.post("/orders", json={"recipe": recipe["name"]}, headers=bartender).status_code == 422)

    again = add(client, bartender)
    assert again["id"] != recipe["id"]
    assert 2 == names(client, bartender, "&archived=true").count(recipe["name"])


def test_archiving_again_does_not_change_when(client: FlaskClient, bartender: Headers) -> None:
    path = f"/recipes/{add(client, bartender)['id']}"
    client.delete(path, headers=bartender)
    before = client.get(path, headers=bartender).get_json()
    client.delete(path, headers=bartender)
    assert before == client.get(path, headers=bartender).get_json()


def test_the_list_has_every_recipe_once_and_in_order(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    """Also those that cannot be ordered; pages go on after the last name, and not after a number of rows."""
    add(client, bartender, name="aaa first", available=False)
    stored = [row[0] for row in bar.query("SELECT name FROM recipes ORDER BY lower(name), id")]
    assert stored == names(client, bartender)


def test_recipes_of_one_name_are_not_lost_between_pages(client: FlaskClient, bartender: Headers) -> None:
    for _ in range(3):
        client.delete(f"/recipes/{add(client, bartender, name='000')['id']}", headers=bartender)
    assert 3 == names(client, bartender, "&archived=true", limit=2).count("000")


def test_a_recipe_that_comes_or_goes_between_two_pages_moves_no_other(client: FlaskClient, bartender: Headers) -> None:
    first = client.get("/recipes?limit=5", headers=bartender).get_json()
    expected = client.get("/recipes?limit=10", headers=bartender).get_json()["recipes"][5:]

    add(client, bartender, name="0 comes first")
    client.delete(f"/recipes/{first['recipes'][4]['id']}", headers=bartender)

    second = client.get(f"/recipes?limit=5&cursor={first['next_cursor']}", headers=bartender).get_json()
    assert expected == second["recipes"]


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=", "archived=1", "archived=", "available=true"]
)
def test_a_wrong_query_is_refused_by_name(client: FlaskClient, bartender: Headers, query: str) -> None:
    answer = client.get(f"/recipes?{query}", headers=bartender)
    assert 422 == answer.status_code
    assert [query.partition("=")[0]] == [error["field"] for error in answer.get_json()["errors"]]


@pytest.mark.shares_bar
@pytest.mark.parametrize("recipe_id", ["0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11", "not-a-uuid"])
def test_an_unknown_recipe_is_not_found(client: FlaskClient, bartender: Headers, recipe_id: str) -> None:
    path = f"/recipes/{recipe_id}"
    answers = [
        client.get(path, headers=bartender),
        client.patch(path, json={"available": True}, headers=bartender),
        client.delete(path, headers=bartender),
    ]
    assert [404] * 3 == [answer.status_code for answer in answers]


def test_the_books_are_for_the_staff(client: FlaskClient, guest: Headers, bartender: Headers) -> None:
    path = f"/recipes/{add(client, bartender)['id']}"
    asks = [("GET", "/recipes"), ("POST", "/recipes"), ("GET", path), ("PATCH", path), ("DELETE", path)]
    assert [403] * 5 == [client.open(where, method=how, headers=guest).status_code for how, where in asks]
    assert [401] * 5 == [client.open(where, method=how).status_code for how, where in asks]
    admin = sign_in(client, "admin@example.com")
    assert 200 == client.get(path, headers=admin).status_code
