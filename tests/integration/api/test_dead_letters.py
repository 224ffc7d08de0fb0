"""Dead letters over HTTP, for admins."""

import pytest
from flask.testing import FlaskClient

from shakerqueue.api.services import Services
from shakerqueue.messaging.messages import encode_order, pack
from tests.support.application import sign_in
from tests.support.bar import Bar
from tests.support.letters import dead_letter, put_dead
from tests.support.orders import drink, order, principal_id

Headers = dict[str, str]


@pytest.fixture
def admin(client: FlaskClient) -> Headers:
    return sign_in(client, "admin@example.com")


def test_an_admin_sees_retries_and_discards(client: FlaskClient, admin: Headers, services: Services, bar: Bar) -> None:
    with services.database.connection() as conn:
        placed = [order(principal_id(conn), drink(conn)) for _ in range(2)]
    first, second = [dead_letter(pack([encode_order(one)]), f"reason {one.id}") for one in placed]
    put_dead(bar, first, second)

    listed = client.get("/admin/dead-letters?limit=1", headers=admin).get_json()
    assert [first.id, True] == [listed["dead_letters"][0]["id"], listed["more"]]
    shown = client.get(f"/admin/dead-letters/{second.id}", headers=admin).get_json()
    assert (4, [str(placed[1].id)], second.body.decode()) == (shown["attempts"], shown["order_ids"], shown["body"])
    assert 404 == client.get("/admin/dead-letters/none", headers=admin).status_code

    dry = client.post("/admin/dead-letters/retry", json={"all": True, "dry_run": True}, headers=admin).get_json()
    assert (True, 2) == (dry["dry_run"], len(dry["dead_letters"]))
    done = client.post("/admin/dead-letters/retry", json={"ids": [first.id]}, headers=admin).get_json()
    assert [first.id] == [letter["id"] for letter in done["dead_letters"]]
    assert 1 == bar.queue_length(bar.topology.orders_queue)
    given_up = client.post("/admin/dead-letters/discard", json={"reason": str(placed[1].id)}, headers=admin)
    assert [second.id] == [letter["id"] for letter in given_up.get_json()["dead_letters"]]
    assert [(placed[1].id, "discarded")] == bar.query("SELECT id, error FROM orders")
    assert [] == client.get("/admin/dead-letters", headers=admin).get_json()["dead_letters"]


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_the_methods_that_are_listed_are_those_that_the_path_takes(
    client: FlaskClient, admin: Headers, verb: str
) -> None:
    path = f"/admin/dead-letters/{verb}"
    for answer in (client.options(path), client.get(path, headers=admin), client.put(path, headers=admin)):
        assert {"OPTIONS", "POST"} == set(answer.allow)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "all"),
        ({"all": True, "reason": "x"}, "all"),
        ({"ids": []}, "ids"),
        ({"all": 1}, "all"),
        ({"all": True, "limit": 0}, "limit"),
        ({"all": True, "limit": 201}, "limit"),
        ({"reason": "x", "failed_after": "yesterday"}, "failed_after"),
        ({"reason": "x", "idz": ["1"]}, "idz"),
    ],
)
def test_a_careless_choice_is_refused(client: FlaskClient, admin: Headers, body: object, field: str) -> None:
    for verb in ("retry", "discard"):
        answer = client.post(f"/admin/dead-letters/{verb}", json=body, headers=admin)
        assert (422, [field]) == (answer.status_code, [error["field"] for error in answer.get_json()["errors"]])


def test_while_the_broker_is_away_it_says_so(client: FlaskClient, admin: Headers, services: Services) -> None:
    assert services.publisher is not None
    services.publisher.stop()
    answer = client.get("/admin/dead-letters", headers=admin)
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
