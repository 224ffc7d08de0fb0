"""An idempotency key belongs to whoever used it: another's tells nothing, and takes nothing."""

from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.api.services import Services
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.scopes import Scope
from tests.support.application import persist_queued, sign_in
from tests.support.bar import Bar

ORDER = {"items": [{"recipe": "Negroni", "note": "for the birthday"}], "ticket": "T7"}
ANOTHER = {"recipe": "Margarita"}

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar


@pytest.fixture
def stranger(client: FlaskClient) -> Headers:
    person = {"username": uuid4().hex, "email": f"{uuid4().hex}@example.com", "password": "an uncommon phrase"}
    return {"Authorization": f"Bearer {client.post('/register', json=person).get_json()['token']}"}


@pytest.fixture
def other_pos(services: Services) -> Headers:
    with services.database.transaction() as conn:
        issued = issue_key(conn, add_integration(conn, uuid4().hex), scopes=Scope, expires_at=None)
    return {"Authorization": f"Bearer {issued.key}"}


@pytest.fixture(params=["queued", "stored"])
def owners_order(request: pytest.FixtureRequest, client: FlaskClient, bar: Bar, services: Services) -> dict[str, Any]:
    """An order under a new key, in the queue or in the database."""
    key = uuid4().hex
    guest = sign_in(client, "user@example.com")
    order = client.post("/orders", json=ORDER, headers={**guest, "Idempotency-Key": key}).get_json()
    if request.param == "stored":
        persist_queued(bar, services)
    return {"key": key, "id": order["id"], "owner": guest}


def shape(answer: TestResponse) -> Any:
    """All that an answer tells, but for what is another in each answer."""
    body = {**answer.get_json(), "id": None, "placed_at": None}
    return answer.status_code, body, "Idempotent-Replayed" in answer.headers


@pytest.mark.parametrize("body", [ORDER, ANOTHER], ids=["the same order", "another order"])
@pytest.mark.parametrize("who", ["stranger", "other_pos", "bartender"])
def test_sec_16_anothers_key_is_as_good_as_a_new_one(
    request: pytest.FixtureRequest, client: FlaskClient, owners_order: dict[str, Any], who: str, body: Any
) -> None:
    headers: Headers = request.getfixturevalue(who)
    taken = client.post("/orders", json=body, headers={**headers, "Idempotency-Key": owners_order["key"]})
    fresh = client.post("/orders", json=body, headers={**headers, "Idempotency-Key": uuid4().hex})

    assert shape(fresh) == shape(taken)
    assert 202 == taken.status_code
    assert owners_order["id"] != taken.get_json()["id"]


@pytest.mark.parametrize("who", ["other_pos", "bartender"])
def test_sec_16_nor_does_a_batch_tell(
    request: pytest.FixtureRequest, client: FlaskClient, owners_order: dict[str, Any], who: str
) -> None:
    headers: Headers = request.getfixturevalue(who)
    orders = [{"idempotency_key": owners_order["key"], **ORDER}]
    [outcome] = client.post("/orders/batch", json={"orders": orders}, headers=headers).get_json()["orders"]
    assert (202, False) == (outcome["status"], outcome["replayed"])
    assert owners_order["id"] != outcome["order"]["id"]


def test_sec_16_whose_key_it_is_gets_the_order_still(
    client: FlaskClient, bar: Bar, services: Services, stranger: Headers, owners_order: dict[str, Any]
) -> None:
    """The stranger came in between, and took nothing."""
    key = {"Idempotency-Key": owners_order["key"]}
    client.post("/orders", json=ANOTHER, headers={**stranger, **key})
    persist_queued(bar, services)

    again = client.post("/orders", json=ORDER, headers={**owners_order["owner"], **key})

    assert (202, "true") == (again.status_code, again.headers["Idempotent-Replayed"])
    assert owners_order["id"] == again.get_json()["id"]


@pytest.mark.parametrize("who", ["stranger", "other_pos"])
def test_sec_16_an_order_that_is_not_stored_yet_is_there_for_its_owner_alone(
    request: pytest.FixtureRequest, client: FlaskClient, owners_order: dict[str, Any], who: str
) -> None:
    headers: Headers = request.getfixturevalue(who)
    assert 200 == client.get(f"/orders/{owners_order['id']}", headers=owners_order["owner"]).status_code
    assert 404 == client.get(f"/orders/{owners_order['id']}", headers=headers).status_code
