"""GET /events: a stream that loses nothing and ends when it must, and the same page by page."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue import shutdown
from shakerqueue.api import event_stream
from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.messaging.messages import OrderPlaced
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually

Headers = dict[str, str]
STREAM = {"Accept": "text/event-stream"}


@dataclass
class Message:
    """One server-sent event."""

    name: str
    id: int | None
    data: dict[str, Any]


class Reader:
    """Reads a stream on a thread of its own; `messages` grows."""

    def __init__(self, answer: TestResponse) -> None:
        self.messages: list[Message] = []
        self.beats = 0
        self.ended = threading.Event()
        self._answer = answer
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def names(self) -> list[str]:
        return [message.name for message in self.messages]

    def _read(self) -> None:
        for chunk in self._answer.response:
            text = chunk.decode() if isinstance(chunk, bytes) else chunk
            for block in text.split("\n\n"):
                self._take(block)
        self.ended.set()

    def _take(self, block: str) -> None:
        if block == ":":
            self.beats += 1
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in fields:
            place = int(fields["id"]) if "id" in fields else None
            self.messages.append(Message(fields["event"], place, json.loads(fields["data"])))


@contextmanager
def following(app: Flask, who: Headers, last_event_id: int | None = None) -> Iterator[Reader]:
    """A stream, read until the block ends; then the process is told to end, and told that it was not."""
    place = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    answer = app.test_client().get("/events", headers={**who, **STREAM, **place})
    assert (200, "text/event-stream; charset=utf-8") == (answer.status_code, answer.content_type)
    reader = Reader(answer)
    try:
        yield reader
    finally:
        shutdown.requested.set()
        assert reader.ended.wait(5)
        shutdown.requested.clear()
        answer.close()


def place(services: Services, email: str = "user@example.com") -> OrderPlaced:
    with services.database.transaction() as conn:
        placed = order(principal_id(conn, email), drink(conn))
        insert_orders(conn, [placed])
    return placed


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


def test_a_guest_sees_only_own_orders(app: Flask, services: Services, guest: Headers) -> None:
    with following(app, guest) as reader:
        eventually(lambda: ["ready"] == reader.names())
        place(services, "bartender@example.com")
        own = place(services)
        eventually(lambda: ["ready", "placed"] == reader.names())
        assert str(own.id) == reader.messages[1].data["order_id"]


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


def test_a_stream_ends_with_its_sign_in(app: Flask, client: FlaskClient) -> None:
    guest = sign_in(client, "user@example.com")
    with following(app, guest) as reader:
        eventually(lambda: ["ready"] == reader.names())
        client.post("/logout", headers=guest)
        assert reader.ended.wait(2)
    assert 401 == client.get("/events?after=0", headers=guest).status_code


def test_a_stream_ends_with_its_token(app: Flask, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = timedelta(seconds=2)
    guest = sign_in(client, "user@example.com")
    with following(app, guest) as reader:
        eventually(lambda: ["ready"] == reader.names())
        assert reader.ended.wait(5)


def test_a_bartenders_stream_ends_while_nobody_knows_who_was_demoted(
    app: Flask, services: Services, bartender: Headers, guest: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with following(app, bartender) as staff, following(app, guest) as own:
        eventually(lambda: ["ready"] == staff.names() == own.names())
        monkeypatch.setattr(type(services.revocations), "stale", property(lambda _: True))
        assert staff.ended.wait(2)
        assert not own.ended.is_set()


def test_streams_are_as_many_as_there_is_room_for(app: Flask, guest: Headers, services: Services) -> None:
    held = 0
    while services.stream_places.acquire(blocking=False):
        held += 1
    answer = app.test_client().get("/events", headers={**guest, **STREAM})
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    services.stream_places.release(held)
    with following(app, guest):
        pass
    assert all(services.stream_places.acquire(blocking=False) for _ in range(held))
    services.stream_places.release(held)


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
