"""The tables and their links, as the staff handles them."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shakerqueue.qr_codes import qr_code_svg
from tests.support.application import running_app, sign_in
from tests.support.bar import Bar

Headers = dict[str, str]


def add(client: FlaskClient, who: Headers, *labels: str) -> list[dict[str, Any]]:
    answer = client.post("/tables", json={"labels": labels}, headers=who)
    assert 200 == answer.status_code, answer.text
    tables: list[dict[str, Any]] = answer.get_json()["tables"]
    return tables


def listed(client: FlaskClient, who: Headers) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = client.get("/tables", headers=who).get_json()["tables"]
    return tables


def test_tables_are_added_once_and_keep_their_links(client: FlaskClient, bartender: Headers) -> None:
    first = add(client, bartender, "10", "2", "Terrace 4", "2")
    assert ["2", "10", "Terrace 4"] == [table["label"] for table in first]
    assert 3 == len({table["link"] for table in first})

    again = add(client, bartender, "2", "TERRACE 4", "Bar")
    assert ["2", "Bar", "Terrace 4"] == [table["label"] for table in again]
    assert ["2", "10", "Bar", "Terrace 4"] == [table["label"] for table in listed(client, bartender)]
    assert [first[0], first[2]] == [again[0], again[2]]


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "labels"),
        ({"labels": []}, "labels"),
        ({"labels": "1-20"}, "labels"),
        ({"labels": ["1", ""]}, "labels.1"),
        ({"labels": ["x" * 41]}, "labels.0"),
        ({"labels": [" 1"]}, "labels.0"),
        ({"labels": ["1\n2"]}, "labels.0"),
        ({"labels": [1]}, "labels.0"),
        ({"labels": ["1"] * 201}, "labels"),
        ({"labels": ["1"], "link_version": 7}, "link_version"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_no_table_can_be_called_is_named(client: FlaskClient, bartender: Headers, body: Any, field: str) -> None:
    answer = client.post("/tables", json=body, headers=bartender)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


@pytest.mark.shares_bar
def test_a_link_leads_to_the_pages_of_the_host_that_was_asked(client: FlaskClient, bartender: Headers) -> None:
    [table] = add(client, bartender, "Host")
    assert table["link"].startswith("http://localhost/t/")


def test_a_link_leads_to_where_guests_reach_the_pages(bar: Bar) -> None:
    with running_app(bar, public_url="https://bar.example") as app:
        client = app.test_client()
        [table] = add(client, sign_in(client, "bartender@example.com"), "1")
    assert table["link"].startswith("https://bar.example/t/")


def test_a_code_that_is_printed_outlives_a_new_jwt_secret(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    [before] = add(client, bartender, "1")
    with running_app(bar, jwt_secret="another secret of 32 bytes and more") as app:
        other = app.test_client()
        assert [before] == listed(other, sign_in(other, "bartender@example.com"))


def test_a_revoked_link_is_replaced_and_the_others_stay(client: FlaskClient, bartender: Headers) -> None:
    one, two = add(client, bartender, "1", "2")
    answer = client.post(f"/tables/{one['id']}/revoke", headers=bartender)
    assert (200, "1") == (answer.status_code, answer.get_json()["label"])
    assert answer.get_json()["link"] != one["link"]
    assert answer.get_json()["link_made_at"] > one["link_made_at"]
    assert [answer.get_json(), two] == listed(client, bartender)


def test_an_archived_table_is_gone_and_frees_its_label(client: FlaskClient, bartender: Headers) -> None:
    [old] = add(client, bartender, "1")
    path = f"/tables/{old['id']}"
    assert [204, 204] == [client.delete(path, headers=bartender).status_code for _ in range(2)]

    assert [] == listed(client, bartender)
    assert 404 == client.post(f"{path}/revoke", headers=bartender).status_code
    assert 404 == client.get(f"{path}/qr.svg", headers=bartender).status_code
    [new] = add(client, bartender, "1")
    assert new["id"] != old["id"]


@pytest.mark.shares_bar
def test_the_code_of_a_table_is_drawn_of_its_link(client: FlaskClient, bartender: Headers) -> None:
    [table] = add(client, bartender, "QR")
    answer = client.get(f"/tables/{table['id']}/qr.svg", headers=bartender)
    assert (200, "image/svg+xml") == (answer.status_code, answer.mimetype)
    assert "no-store" == answer.headers["Cache-Control"]
    assert qr_code_svg(table["link"]) == answer.text


@pytest.mark.shares_bar
@pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/revoke"), ("GET", "/qr.svg")])
def test_a_table_that_is_not_there_is_not_found(
    client: FlaskClient, bartender: Headers, method: str, path: str
) -> None:
    nowhere = "/tables/00000000-0000-4000-8000-000000000000"
    assert 404 == client.open(nowhere + path, method=method, headers=bartender).status_code
