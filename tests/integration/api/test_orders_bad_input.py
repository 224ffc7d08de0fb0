"""Bad orders: the right 4xx naming the field, and nothing queued. All of them at one bar, since nothing changes."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shakerqueue.api.problems import MAX_FIELD_ERRORS
from tests.support.bar import Bar

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar

BAD_BODIES: list[tuple[str, Any, str]] = [
    ("nothing named", {}, "recipe"),
    ("both ways", {"recipe": "Margarita", "items": [{"recipe": "Margarita"}]}, "recipe"),
    ("no items", {"items": []}, "items"),
    ("too many items, none good", {"items": [0] * 101}, "items"),
    ("too many modifiers, none good", {"items": [{"recipe": "Gin", "modifiers": [0] * 11}]}, "items.0.modifiers"),
    ("items no list", {"items": "Margarita"}, "items"),
    ("unknown recipe", {"recipe": "Motor Oil"}, "recipe"),
    ("unknown recipe in a line", {"items": [{"recipe": "Negroni"}, {"recipe": "Motor Oil"}]}, "items.1.recipe"),
    ("recipe no text", {"recipe": 7}, "recipe"),
    ("recipe empty", {"recipe": ""}, "recipe"),
    ("quantity zero", {"items": [{"recipe": "Margarita", "quantity": 0}]}, "items.0.quantity"),
    ("quantity negative", {"items": [{"recipe": "Margarita", "quantity": -1}]}, "items.0.quantity"),
    ("quantity huge", {"items": [{"recipe": "Margarita", "quantity": 10_000}]}, "items.0.quantity"),
    ("quantity true", {"items": [{"recipe": "Margarita", "quantity": True}]}, "items.0.quantity"),
    ("quantity text", {"items": [{"recipe": "Margarita", "quantity": "2"}]}, "items.0.quantity"),
    ("quantity broken", {"items": [{"recipe": "Margarita", "quantity": 1.5}]}, "items.0.quantity"),
    ("too many drinks", {"items": [{"recipe": "Margarita", "quantity": 51}] * 2}, "items"),
    ("rush no boolean", {"recipe": "Margarita", "rush": "yes"}, "rush"),
    ("note too long", {"recipe": "Margarita", "note": "x" * 501}, "note"),
    ("misspelt", {"recipe": "Margarita", "ticked": "T7"}, "ticked"),
    ("misspelt in a line", {"items": [{"recipe": "Margarita", "qantity": 2}]}, "items.0.qantity"),
    ("mass assignment", {"recipe": "Margarita", "status": "complete"}, "status"),
    ("a list", ["Margarita"], ""),
]


@pytest.mark.parametrize(("body", "field"), [case[1:] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES])
def test_a_bad_body_is_refused_by_field_and_nothing_is_queued(
    client: FlaskClient, guest: Headers, bar: Bar, body: Any, field: str
) -> None:
    answer = client.post("/orders", json=body, headers=guest)

    assert (422, "application/problem+json") == (answer.status_code, answer.content_type)
    assert field in [error["field"] for error in answer.get_json()["errors"]]
    assert 0 == bar.queue_length(bar.topology.orders_queue)


def test_what_is_wrong_all_over_is_told_in_part(client: FlaskClient, guest: Headers) -> None:
    answer = client.post("/orders", json={f"member {number}": 0 for number in range(500)}, headers=guest)
    assert (422, MAX_FIELD_ERRORS) == (answer.status_code, len(answer.get_json()["errors"]))


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b'{"recipe":NaN}', "NaN is not JSON"),
        (b'{"recipe":"Margarita","recipe":"Negroni"}', "the same name twice in one object"),
        (b'{"recipe":"Marga\\u0000rita"}', "NUL"),
    ],
)
def test_what_is_wrong_with_the_json_is_said(client: FlaskClient, guest: Headers, data: bytes, detail: str) -> None:
    answer = client.post("/orders", data=data, content_type="application/json", headers=guest)
    assert detail in answer.get_json()["detail"]


def test_a_whole_number_may_be_written_with_a_point(client: FlaskClient, guest: Headers) -> None:
    line = b'{"items": [{"recipe": "Margarita", "quantity": 2.0, "note": "for none"}], "ticket": ""}'
    answer = client.post("/orders", data=line, content_type="application/json", headers=guest)
    assert ["ticket"] == [error["field"] for error in answer.get_json()["errors"]]


def test_whoever_sends_too_much_learns_that_the_connection_ends(client: FlaskClient, guest: Headers) -> None:
    """The server closes it, for it reads no further; the next request on it would have no answer."""
    answer = client.post("/orders", json={"recipe": "x" * 70_000}, headers=guest)
    assert (413, "close") == (answer.status_code, answer.headers.get("Connection"))
