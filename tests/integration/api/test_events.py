"""GET /events: a stream that loses nothing and ends when it must, and the same page by page."""

import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api import event_stream
from shakerqueue.api.services import Services
from tests.support.bar import Bar
from tests.support.event_streams import Headers, following, place
from tests.support.waiting import eventually


def test_a_bartender_sees_an_order_come_and_be_made(
    app: Flask, client: FlaskClient, services: Services, bartender: Headers
) -> None:
    with following(app, bartender) as reader:
        eventually(lambda: ["ready"] == reader.names())
        placed = place(services)
        eventually(lambda: ["ready", "placed"] == reader.names())
        client.post(f"/orders/{placed.id}/items/1/complete", headers=bartender)
        eventually(lambda: ["ready", "placed", "completed"] == reader.names())
        [_, first, second] = reader.messages
    assert (str(placed.id), None) == (first.data["order_id"], first.data["number"])
    assert (1, first.id) == (second.data["number"], first.data["id"])


def test_a_stream_goes_on_where_it_was(app: Flask, services: Services, bartender: Headers) -> None:
    with following(app, bartender) as reader:
        place(services)
        eventually(lambda: "placed" in reader.names())
        seen = reader.messages[-1].id
    missed = [place(services) for _ in range(3)]
    with following(app, bartender, seen) as reader:
        eventually(lambda: 3 == len(reader.messages))
        assert [str(one.id) for one in missed] == [message.data["order_id"] for message in reader.messages]


def test_a_place_that_is_lost_is_said_and_the_stream_goes_on(
    app: Flask, services: Services, bartender: Headers
) -> None:
    place(services)
    with following(app, bartender, 10**15) as reader:
        eventually(lambda: ["reset"] == reader.names())
        assert 1 == reader.messages[0].id
        place(services)
        eventually(lambda: ["reset", "placed"] == reader.names())


def test_another_menu_and_another_state_of_the_bar_are_told(
    app: Flask, client: FlaskClient, services: Services, bartender: Headers, guest: Headers
) -> None:
    with following(app, guest) as reader:
        eventually(lambda: ["ready"] == reader.names())
        recipe = services.menu.current.by_name["margarita"]
        client.patch(f"/recipes/{recipe.id}", json={"available": False}, headers=bartender)
        eventually(lambda: 2 == reader.names().count("menu_changed"))  # again, when every process knows
        client.patch("/bar", json={"accepting": False}, headers=bartender)
        eventually(lambda: 2 == reader.names().count("bar_changed"))
        assert {None} == {message.id for message in reader.messages[1:]}


def test_a_silent_stream_beats(app: Flask, guest: Headers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.1)
    with following(app, guest) as reader:
        eventually(lambda: reader.beats >= 2)


def test_page_by_page_it_is_the_same(client: FlaskClient, services: Services, bartender: Headers) -> None:
    placed = [place(services) for _ in range(3)]
    page = client.get("/events?after=0", headers=bartender).get_json()
    eventually(lambda: 3 == client.get("/events?after=0", headers=bartender).get_json()["after"])
    page = client.get("/events?after=1", headers=bartender).get_json()
    assert [str(one.id) for one in placed[1:]] == [event["order_id"] for event in page["events"]]
    assert (3, False) == (page["after"], page["reset"])
    empty = client.get(f"/events?after={page['after']}", headers=bartender).get_json()
    assert {"events": [], "after": 3, "reset": False} == empty
    lost = client.get("/events?after=99", headers=bartender).get_json()
    assert {"events": [], "after": 3, "reset": True} == lost


def test_a_page_can_be_waited_for(client: FlaskClient, services: Services, guest: Headers, bar: Bar) -> None:
    """Events of others wake the waiting and are none."""
    now = client.get("/events", headers={**guest, "Accept": "application/json"}).get_json()
    assert [] == now["events"]
    strangers = threading.Timer(0.1, place, (services, "bartender@example.com"))
    own = threading.Timer(0.6, place, (services,))
    for timer in (strangers, own):
        timer.start()
    page = client.get(f"/events?after={now['after']}&wait=20", headers=guest).get_json()
    assert ["placed"] == [event["type"] for event in page["events"]]
    assert bar.query("SELECT id::text FROM orders WHERE principal_id = (SELECT id FROM users WHERE username = 'user')")
    for timer in (strangers, own):
        timer.join()


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("?after=-1", {}, "after"),
        ("?after=x", {}, "after"),
        ("?wait=31&after=0", {}, "wait"),
        ("?befor=1", {}, "befor"),
        ("", {"Last-Event-ID": "last"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "9" * 30}, "Last-Event-ID"),
        ("", {"Last-Event-ID": ""}, "Last-Event-ID"),
        ("?after=0", {"Last-Event-ID": "last"}, "Last-Event-ID"),
    ],
)
def test_a_place_that_is_none_is_named(
    client: FlaskClient, guest: Headers, query: str, headers: Headers, field: str
) -> None:
    answer = client.get(f"/events{query}", headers={**guest, **headers})
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])
