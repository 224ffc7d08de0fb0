"""The menu: what can be ordered now, cheap to ask for again, and current in every process within a second."""

from time import monotonic
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.application import running_app, sign_in
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]
EVERYWHERE_SECONDS = 1.0


def entries(client: FlaskClient) -> dict[str, Any]:
    return {entry["name"]: entry for entry in client.get("/menu").get_json()["recipes"]}


def recipe_path(bar: Bar, name: str) -> str:
    [(id,)] = bar.query(f"SELECT id FROM recipes WHERE name = '{name}'")
    return f"/recipes/{id}"


@pytest.mark.shares_bar
def test_anyone_sees_the_whole_menu_by_name(client: FlaskClient, bar: Bar) -> None:
    answer = client.get("/menu")

    assert (200, "no-cache") == (answer.status_code, answer.headers["Cache-Control"])
    names = [entry["name"] for entry in answer.get_json()["recipes"]]
    assert [row[0] for row in bar.query("SELECT name FROM recipes ORDER BY lower(name)")] == names
    assert {
        "name": "Margarita",
        "build": "sour",
        "station": "well",
        "allergens": [],
        "prep_seconds": 60,
    }.items() <= entries(client)["Margarita"].items()
    assert {"name", "amount", "unit"} == set(entries(client)["Margarita"]["ingredients"][0])
    assert "remaining" not in entries(client)["Margarita"]


def test_the_preparation_time_is_the_recipes_own_or_its_builds(
    client: FlaskClient, bartender: Headers, bar: Bar
) -> None:
    path = recipe_path(bar, "Margarita")
    client.patch(path, json={"prep_seconds": 33}, headers=bartender)
    eventually(lambda: entries(client)["Margarita"]["prep_seconds"] == 33)

    client.patch(path, json={"prep_seconds": None, "build": "collins"}, headers=bartender)
    eventually(lambda: entries(client)["Margarita"]["prep_seconds"] == 60)


def test_an_unchanged_menu_is_not_sent_again(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    first = client.get("/menu")
    again = client.get("/menu", headers={"If-None-Match": first.headers["ETag"]})

    assert not first.headers["ETag"].startswith("W/")
    assert (304, b"") == (again.status_code, again.data)
    assert (first.headers["ETag"], "no-cache") == (again.headers["ETag"], again.headers["Cache-Control"])

    client.patch(recipe_path(bar, "Margarita"), json={"remaining": 5}, headers=bartender)
    eventually(lambda: "remaining" in entries(client)["Margarita"])
    changed = client.get("/menu", headers={"If-None-Match": first.headers["ETag"]})
    assert 200 == changed.status_code
    assert first.headers["ETag"] != changed.headers["ETag"]


def test_processes_with_the_same_menu_give_it_the_same_tag(client: FlaskClient, bar: Bar) -> None:
    with running_app(bar) as other:
        assert client.get("/menu").headers["ETag"] == other.test_client().get("/menu").headers["ETag"]


@pytest.mark.parametrize("change", [{"available": False}, {"remaining": 0}])
def test_a_drink_that_is_86d_is_gone_and_comes_back(
    client: FlaskClient, bartender: Headers, bar: Bar, change: dict[str, Any]
) -> None:
    path = recipe_path(bar, "Margarita")
    client.patch(path, json=change, headers=bartender)
    eventually(lambda: "Margarita" not in entries(client))
    assert 409 == client.post("/orders", json={"recipe": "Margarita"}, headers=bartender).status_code

    client.patch(path, json={"available": True, "remaining": 12}, headers=bartender)
    eventually(lambda: entries(client).get("Margarita", {}).get("remaining") == 12)
    assert 202 == client.post("/orders", json={"recipe": "Margarita"}, headers=bartender).status_code


def test_every_process_has_a_change_within_a_second(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    with running_app(bar) as other:
        there = other.test_client()
        assert "Margarita" in entries(there)
        client.patch(recipe_path(bar, "Margarita"), json={"available": False}, headers=bartender)
        changed_at = monotonic()
        eventually(lambda: "Margarita" not in entries(there))
        assert monotonic() - changed_at < EVERYWHERE_SECONDS


def test_a_busy_bar_sees_its_last_change_soon(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    """Changes that follow each other fast are read together, and the last one is not forgotten."""
    path = recipe_path(bar, "Margarita")
    for remaining in range(30, 0, -1):
        client.patch(path, json={"remaining": remaining}, headers=bartender)
    changed_at = monotonic()
    eventually(lambda: entries(client)["Margarita"].get("remaining") == 1)
    assert monotonic() - changed_at < EVERYWHERE_SECONDS


def test_the_menu_needs_no_connection_to_the_database(client: FlaskClient, bar: Bar) -> None:
    before = client.get("/menu")
    bar.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    assert before.data == client.get("/menu").data


def test_a_listener_that_was_cut_off_comes_back(client: FlaskClient, bar: Bar) -> None:
    bar.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'shakerqueue-follower'"
    )
    bar.query("UPDATE recipes SET available = false WHERE name = 'Margarita' RETURNING id")
    eventually(lambda: "Margarita" not in entries(client))


@pytest.mark.shares_bar
def test_the_menu_takes_no_parameters(client: FlaskClient) -> None:
    assert 422 == client.get("/menu?station=well").status_code


@pytest.mark.shares_bar
def test_guests_may_look_and_nothing_else(client: FlaskClient) -> None:
    guest = sign_in(client, "user@example.com")
    assert 200 == client.get("/menu", headers=guest).status_code
    assert 405 == client.post("/menu", json={}, headers=guest).status_code
