"""Making drinks over HTTP: who may, what is answered, what is refused and how it is said."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from tests.support.application import persist_queued
from tests.support.bar import Bar
from tests.support.waiting import eventually

Headers = dict[str, str]


@pytest.fixture
def place(client: FlaskClient, bar: Bar, services: Services) -> Any:
    """Place an order and persist it, as the consumer would; answers its path."""

    def place(who: Headers, *recipes: str, **fields: Any) -> str:
        body = {"items": [{"recipe": recipe} for recipe in recipes or ("Margarita",)], **fields}
        answer = client.post("/orders", json=body, headers=who)
        assert 202 == answer.status_code, answer.text
        persist_queued(bar, services)
        return str(answer.headers["Location"])

    return place


def test_the_whole_life_of_an_order(client: FlaskClient, guest: Headers, bartender: Headers, place: Any) -> None:
    path = place(guest, "Margarita", "Negroni", "Margarita", ticket="T7")

    queue = client.get("/queue", headers=bartender).get_json()
    assert [("Margarita", "T7", False)] * 2 == [
        (item["recipe"]["name"], item["ticket"], item["late"])
        for item in queue["items"]
        if item["recipe"]["name"] == "Margarita"
    ]
    assert {"recipe": "Margarita", "pending": 2, "in_progress": 0, "orders": 1} in queue["all_day"]
    before = client.get(path, headers=guest).get_json()
    assert (1, True) == (before["place_in_line"], before["estimated_ready_at"] > before["placed_at"])

    claimed = client.post("/queue/claim", json={"max": 3}, headers=bartender).get_json()["items"]
    assert 1 == len({item["recipe"]["name"] for item in claimed})
    assert claimed[0]["recipe"]["ingredients"]
    assert "bartender" == claimed[0]["claimed_by_username"]

    assert 200 == client.post(f"{path}/complete", headers=bartender).status_code
    done = client.get(path, headers=guest).get_json()
    assert ("complete", {"complete"}) == (done["status"], {item["status"] for item in done["items"]})
    assert (None, None) == (done["place_in_line"], done["estimated_ready_at"])
    assert 204 == client.post("/queue/claim", headers=bartender).status_code


def test_what_is_illegal_now_says_what_is_legal(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest)
    assert 200 == client.post(f"{path}/items/1/complete", headers=bartender).status_code

    answer = client.post(f"{path}/items/1/start", headers=bartender)

    assert (409, "invalid_transition", ["recall", "serve"]) == (
        answer.status_code,
        answer.get_json()["code"],
        answer.get_json()["allowed"],
    )


def test_a_guest_cancels_an_own_order_while_it_is_pending(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni")
    assert 200 == client.post(f"{path}/items/1/cancel", json={"reason": "too slow"}, headers=guest).status_code
    assert 200 == client.post(f"{path}/items/1/cancel", headers=guest).status_code  # a second tap
    client.post(f"{path}/items/2/start", headers=bartender)

    assert 409 == client.post(f"{path}/cancel", headers=guest).status_code
    canceled = client.post(f"{path}/cancel", headers=bartender).get_json()
    assert ("canceled", ["too slow", None]) == (canceled["status"], [item["error"] for item in canceled["items"]])


def test_a_guest_may_not_make_drinks_nor_touch_the_orders_of_others(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    own, others = place(guest), place(bartender)
    assert 403 == client.post(f"{own}/start", headers=guest).status_code
    assert 403 == client.post(f"{own}/items/1/release", headers=guest).status_code
    assert 404 == client.post(f"{others}/cancel", headers=guest).status_code
    assert 404 == client.post(f"/orders/{uuid4()}/cancel", headers=guest).status_code


def test_an_order_that_is_not_stored_yet_says_so(client: FlaskClient, guest: Headers) -> None:
    path = client.post("/orders", json={"recipe": "Margarita"}, headers=guest).headers["Location"]
    answer = client.post(f"{path}/cancel", headers=guest)
    assert (409, "not_persisted_yet", "1") == (
        answer.status_code,
        answer.get_json()["code"],
        answer.headers["Retry-After"],
    )


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("fail", {}, "reason"),
        ("fail", {"reason": ""}, "reason"),
        ("fail", {"reason": "x" * 201}, "reason"),
        ("start", {"reason": "why not"}, "reason"),
        ("serve", {"reason": "why not"}, "reason"),
        ("cancel", {"raison": "d'être"}, "raison"),
    ],
)
def test_a_reason_belongs_to_fail_and_cancel(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any, verb: str, body: Any, field: str
) -> None:
    answer = client.post(f"{place(guest)}/{verb}", json=body, headers=bartender)
    assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


@pytest.mark.shares_bar
@pytest.mark.parametrize("body", [{"max": 0}, {"max": 11}, {"max": True}, {"max": "2"}, {"station": ""}, {"maxx": 1}])
def test_a_bad_claim_is_refused_by_field(client: FlaskClient, bartender: Headers, body: Any) -> None:
    answer = client.post("/queue/claim", json=body, headers=bartender)
    assert (422, list(body)) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


def test_a_station_sees_and_claims_its_own_drinks(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, place: Any
) -> None:
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE recipes SET station = 'terrace' WHERE name = 'Negroni'")
    place(guest, "Margarita", "Negroni")

    terrace = client.get("/queue?station=terrace", headers=bartender).get_json()
    assert ["Negroni"] == [item["recipe"]["name"] for item in terrace["items"]]
    assert ["Negroni"] == [count["recipe"] for count in terrace["all_day"]]
    answer = client.post("/queue/claim", json={"max": 9, "station": "terrace"}, headers=bartender)
    assert ["Negroni"] == [item["recipe"]["name"] for item in answer.get_json()["items"]]


def queue(client: FlaskClient, who: Headers, query: str = "") -> Any:
    answer = client.get(f"/queue{query}", headers=who)
    assert 200 == answer.status_code, answer.text
    return answer.get_json()


def test_the_queue_says_what_cannot_be_ordered_now(client: FlaskClient, bartender: Headers, bar: Bar) -> None:
    assert [] == queue(client, bartender)["sold_out"]
    bar.change("UPDATE recipes SET available = false WHERE name = 'Negroni'")
    bar.change("UPDATE recipes SET remaining = 0 WHERE name = 'Americano'")
    bar.change("UPDATE recipes SET archived_at = now(), remaining = 0 WHERE name = 'Mojito'")
    assert ["Americano", "Negroni"] == queue(client, bartender)["sold_out"]


def test_the_limit_bounds_what_waits_and_never_what_is_in_hand(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    paths = [place(guest, ticket=str(number)) for number in range(4)]
    client.post(f"{paths[3]}/start", headers=bartender)

    shown = queue(client, bartender, "?limit=2")

    assert [("0", "pending"), ("1", "pending"), ("3", "in_progress")] == [
        (item["ticket"], item["status"]) for item in shown["items"]
    ]
    [count] = shown["all_day"]
    assert (3, 1, 3) == (count["pending"], count["in_progress"], count["orders"])


def test_orders_of_one_recipe_are_counted_apart_from_its_drinks(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    place(guest, "Negroni", "Negroni", "Margarita")
    begun = place(guest, "Negroni", "Negroni")
    client.post(f"{place(guest, 'Negroni')}/start", headers=bartender)
    client.post(f"{begun}/items/1/start", headers=bartender)
    counts = {count["recipe"]: count for count in queue(client, bartender)["all_day"]}
    assert {"recipe": "Negroni", "pending": 3, "in_progress": 2, "orders": 2} == counts["Negroni"]


def test_a_drink_says_how_far_its_order_is_and_since_when_it_is_being_made(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni", "Margarita")
    client.post(f"{path}/items/2/complete", headers=bartender)

    [claimed] = client.post("/queue/claim", headers=bartender).get_json()["items"]
    shown = queue(client, bartender)

    assert [claimed["number"]] == [item["number"] for item in shown["items"] if item["started_at"]]
    assert [(3, 2)] * 2 == [(item["order_drinks"], item["order_drinks_left"]) for item in shown["items"]]
    assert set(claimed) == set(shown["items"][0])
    recipes = client.get("/recipes?limit=200", headers=bartender).get_json()["recipes"]
    ids = {recipe["name"]: recipe["id"] for recipe in recipes}
    assert {ids["Margarita"]} == {item["recipe"]["id"] for item in shown["items"]}


def test_the_queue_says_what_time_it_is_for_the_server(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    place(guest)
    before = datetime.now(UTC)
    shown = queue(client, bartender)
    now = datetime.fromisoformat(shown["now"])
    assert before <= now <= datetime.now(UTC)
    [item] = shown["items"]
    assert item["age_seconds"] == (now - datetime.fromisoformat(item["placed_at"])).total_seconds()


def test_a_canceled_drink_stays_in_sight_until_somebody_acknowledges_it(
    client: FlaskClient, guest: Headers, bartender: Headers, admin: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni", ticket="T7")
    client.post(f"{path}/items/1/start", headers=bartender)
    client.post(f"{path}/items/1/cancel", json={"reason": "the guest left"}, headers=admin)
    client.post(f"{path}/items/2/cancel", json={"reason": "too slow"}, headers=guest)

    shown = queue(client, bartender)
    first, last = shown["canceled"]

    assert [] == shown["items"] == shown["all_day"]
    assert ("Margarita", "T7", "bartender", "admin", "the guest left") == (
        first["recipe"]["name"],
        first["ticket"],
        first["claimed_by_username"],
        first["canceled_by_username"],
        first["error"],
    )
    assert ("Negroni", None, "user", "too slow") == (
        last["recipe"]["name"],
        last["claimed_by"],
        last["canceled_by_username"],
        last["error"],
    )
    assert first["canceled_at"] < last["canceled_at"] <= shown["now"]

    for who in (bartender, admin):  # the second one comes too late, and nothing is wrong
        assert 200 == client.post(f"{path}/items/1/acknowledge", headers=who).status_code
    assert [2] == [item["number"] for item in queue(client, bartender)["canceled"]]
    for who in (bartender, admin):
        assert 200 == client.post(f"{path}/acknowledge", headers=who).status_code
    assert [] == queue(client, bartender)["canceled"]


def test_an_acknowledgement_is_told_to_whoever_follows(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni")
    client.post(f"{path}/items/2/cancel", headers=guest)
    for _ in range(2):  # a second tap is no news
        client.post(f"{path}/acknowledge", headers=bartender)

    def told() -> list[tuple[str, int]]:
        events = client.get("/events?after=0", headers=guest).get_json()["events"]
        return [(event["type"], event["number"]) for event in events if event["number"]]

    eventually(lambda: [("canceled", 2), ("acknowledged", 2)] == told())


def test_what_the_staff_cancels_itself_needs_no_acknowledgement(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni")
    client.post(f"{path}/items/1/start", headers=bartender)
    assert 200 == client.post(f"{path}/cancel", headers=bartender).status_code
    assert [] == queue(client, bartender)["canceled"]


def test_only_what_is_canceled_can_be_acknowledged(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest)
    pending = client.post(f"{path}/items/1/acknowledge", headers=bartender)
    assert (409, "invalid_transition") == (pending.status_code, pending.get_json()["code"])
    client.post(f"{path}/items/1/cancel", headers=guest)
    late = client.post(f"{path}/items/1/start", headers=bartender)
    assert (409, ["acknowledge"]) == (late.status_code, late.get_json()["allowed"])
    assert 403 == client.post(f"{path}/items/1/acknowledge", headers=guest).status_code


def test_a_station_sees_its_own_cancellations(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, place: Any
) -> None:
    bar.change("UPDATE recipes SET station = 'terrace' WHERE name = 'Negroni'")
    client.post(f"{place(guest, 'Margarita', 'Negroni')}/cancel", headers=guest)
    canceled = queue(client, bartender, "?station=terrace")["canceled"]
    assert ["Negroni"] == [item["recipe"]["name"] for item in canceled]


def test_a_drink_is_ready_until_it_is_served(
    client: FlaskClient, guest: Headers, bartender: Headers, admin: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni", ticket="T7")
    client.post(f"{path}/items/2/complete", headers=bartender)

    shown = queue(client, admin)
    [drink] = shown["ready"]

    assert ["Margarita"] == [item["recipe"]["name"] for item in shown["items"]]
    assert ("Negroni", "T7", "complete", "bartender", 2, 1) == (
        drink["recipe"]["name"],
        drink["ticket"],
        drink["status"],
        drink["claimed_by_username"],
        drink["order_drinks"],
        drink["order_drinks_left"],
    )
    assert drink["started_at"] <= drink["completed_at"] <= shown["now"]
    assert {"completed_at"} == set(drink) - set(shown["items"][0])

    for who in (bartender, admin):  # the second one comes too late, and nothing is wrong
        assert 200 == client.post(f"{path}/items/2/serve", headers=who).status_code
    assert [] == queue(client, admin)["ready"]
    for who in (bartender, admin):
        assert 200 == client.post(f"{path}/unserve", headers=who).status_code
    assert [2] == [item["number"] for item in queue(client, admin)["ready"]]


def test_a_guest_reads_what_to_fetch_and_what_is_served(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest, "Margarita", "Negroni")
    client.post(f"{path}/complete", headers=bartender)
    answer = client.post(f"{path}/items/1/serve", headers=bartender)

    order = client.get(path, headers=guest).get_json()

    assert answer.get_json() == order
    served, ready = order["items"]
    assert ("complete", "complete", "complete") == (order["status"], served["status"], ready["status"])
    assert served["completed_at"] <= served["served_at"] <= order["updated_at"]
    assert ready["served_at"] is None


def test_what_is_served_and_taken_back_is_told_to_whoever_follows(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest)
    client.post(f"{path}/complete", headers=bartender)
    for verb in ("serve", "serve", "unserve", "unserve"):  # a second tap is no news
        assert 200 == client.post(f"{path}/{verb}", headers=bartender).status_code

    def told() -> list[str]:
        events = client.get("/events?after=0", headers=guest).get_json()["events"]
        return [event["type"] for event in events if event["number"]]

    eventually(lambda: ["completed", "served", "unserved"] == told())


def test_only_what_is_complete_can_be_served_and_only_by_the_staff(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    path = place(guest)
    for verb in ("serve", "unserve"):
        answer = client.post(f"{path}/items/1/{verb}", headers=bartender)
        assert (409, "invalid_transition") == (answer.status_code, answer.get_json()["code"])
    client.post(f"{path}/complete", headers=bartender)
    assert 403 == client.post(f"{path}/serve", headers=guest).status_code
    client.post(f"{path}/serve", headers=bartender)
    late = client.post(f"{path}/start", headers=bartender)
    assert (409, ["recall", "unserve"]) == (late.status_code, late.get_json()["allowed"])


def test_what_nobody_marks_as_served_is_taken_for_gone_after_an_hour(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, place: Any
) -> None:
    client.post(f"{place(guest, 'Margarita', 'Negroni')}/complete", headers=bartender)
    bar.change("UPDATE order_items SET completed_at = now() - interval '59 minutes' WHERE recipe = 'Margarita'")
    bar.change("UPDATE order_items SET completed_at = now() - interval '61 minutes' WHERE recipe = 'Negroni'")
    assert ["Margarita"] == [item["recipe"]["name"] for item in queue(client, bartender)["ready"]]


def test_a_station_sees_what_is_ready_there(
    client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, place: Any
) -> None:
    bar.change("UPDATE recipes SET station = 'terrace' WHERE name = 'Negroni'")
    client.post(f"{place(guest, 'Margarita', 'Negroni')}/complete", headers=bartender)
    assert ["Negroni"] == [item["recipe"]["name"] for item in queue(client, bartender, "?station=terrace")["ready"]]


def test_a_sold_out_recipe_is_failed_in_one_go(
    client: FlaskClient, guest: Headers, bartender: Headers, place: Any
) -> None:
    begun, waiting = place(guest, "Negroni"), place(guest, "Margarita", "Negroni", "Negroni")
    client.post(f"{begun}/start", headers=bartender)
    body = {"recipe_id": queue(client, bartender)["items"][0]["recipe"]["id"], "reason": "out of gin"}

    answer = client.post("/queue/fail", json=body, headers=bartender)

    assert (200, {"failed": 2, "left": 0}) == (answer.status_code, answer.get_json())
    order = client.get(waiting, headers=guest).get_json()
    assert [("pending", None), ("failed", "out of gin"), ("failed", "out of gin")] == [
        (item["status"], item["error"]) for item in order["items"]
    ]
    assert "in_progress" == client.get(begun, headers=guest).get_json()["status"]


@pytest.mark.shares_bar
def test_a_recipe_that_is_not_there_cannot_be_failed(client: FlaskClient, bartender: Headers) -> None:
    body = {"recipe_id": str(uuid4()), "reason": "out of gin"}
    assert 404 == client.post("/queue/fail", json=body, headers=bartender).status_code


@pytest.mark.shares_bar
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"recipe_id", "reason"}),
        ({"recipe_id": "Negroni", "reason": "out of gin"}, {"recipe_id"}),
        ({"recipe_id": str(uuid4()), "reason": ""}, {"reason"}),
        ({"recipe_id": str(uuid4()), "reason": "x" * 201}, {"reason"}),
        ({"recipe_id": str(uuid4()), "reason": "out of gin", "recipe": "Negroni"}, {"recipe"}),
    ],
)
def test_a_bad_report_of_a_sold_out_recipe_is_refused_by_field(
    client: FlaskClient, bartender: Headers, body: Any, fields: set[str]
) -> None:
    answer = client.post("/queue/fail", json=body, headers=bartender)
    assert (422, fields) == (answer.status_code, {error["field"] for error in answer.get_json()["errors"]})


@pytest.mark.shares_bar
@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=two", "limit=", "limits=2"])
def test_a_bad_question_about_the_queue_is_refused_by_field(
    client: FlaskClient, bartender: Headers, query: str
) -> None:
    answer = client.get(f"/queue?{query}", headers=bartender)
    assert (422, [query.partition("=")[0]]) == (
        answer.status_code,
        [error["field"] for error in answer.get_json()["errors"]],
    )


def test_two_hundred_guests_race_for_twelve_drinks(
    app: Flask, client: FlaskClient, guest: Headers, bartender: Headers, bar: Bar, services: Services
) -> None:
    """Exactly twelve are made, and everyone is told: refused at once, or stored as sold out."""
    with psycopg.connect(bar.database_url) as conn:
        conn.execute("UPDATE recipes SET remaining = 12 WHERE name = 'Negroni'")

    def order(_: int) -> Any:
        return app.test_client().post("/orders", json={"recipe": "Negroni"}, headers=guest)

    with ThreadPoolExecutor(16) as guests:
        answers = list(guests.map(order, range(200)))
    persist_queued(bar, services)

    assert {202, 409} >= {answer.status_code for answer in answers}
    accepted = [answer.headers["Location"] for answer in answers if answer.status_code == 202]
    told = Counter(
        (item["status"], item["error"])
        for path in accepted
        for item in client.get(path, headers=guest).get_json()["items"]
    )
    assert 12 == told["pending", None]
    assert len(accepted) - 12 == told["failed", "sold_out"]
    assert 409 == client.post("/orders", json={"recipe": "Negroni"}, headers=guest).status_code or not services.menu
