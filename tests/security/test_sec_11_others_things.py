"""Nobody gets at what is another's by any route that takes an id; the bodies are good, so nothing else refuses them."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask

from shakerqueue.api.services import Services
from shakerqueue.intake import insert_orders
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.queries import webhooks as queries
from shakerqueue.scopes import Scope
from shakerqueue.webhook_messages import body_of
from shakerqueue.webhook_types import TEST
from tests.support.bar import Bar
from tests.support.operations import rules, with_body
from tests.support.orders import drink, order
from tests.support.webhooks import add_endpoint

Headers = dict[str, str]

pytestmark = pytest.mark.shares_bar

OWNERS_ROUTES = [
    route for route in rules() if "<uuid:order_id>" in route and ("cancel" in route or route.startswith("GET"))
]
STAFF_ROUTES = [route for route in rules() if "<uuid:order_id>" in route and route not in OWNERS_ROUTES]
WEBHOOK_ROUTES = [route for route in rules() if "<uuid:webhook_id>" in route]
DELIVERY_ROUTES = [route for route in rules() if "<uuid:delivery_id>" in route]


class Owner:
    """An integration with a key, an order, a webhook and a message to it."""

    def __init__(self, services: Services) -> None:
        with services.database.transaction() as conn:
            pos = add_integration(conn, uuid4().hex)
            self.headers = {"Authorization": f"Bearer {issue_key(conn, pos, scopes=Scope, expires_at=None).key}"}
            placed = order(pos.id, drink(conn), external_id=uuid4().hex)
            insert_orders(conn, [placed])
            self.order_id = placed.id
            self.external_id = placed.external_id
            endpoint = add_endpoint(conn, integration_id=pos.id)
            self.webhook_id = endpoint.id
            body = body_of(TEST, placed.placed_at, {"webhook_id": str(endpoint.id)})
            delivery = queries.insert_lone_delivery(conn, endpoint_id=endpoint.id, type=TEST, body=body)
            assert delivery is not None
            self.delivery_id = delivery.id

    def url(self, rule: str, **others: UUID) -> str:
        """A path to what is theirs, but for the ids given."""
        ids = {"order_id": self.order_id, "webhook_id": self.webhook_id, "delivery_id": self.delivery_id, **others}

        path = re.sub(r"<any.*>", "start", rule.replace("<int:number>", "1"))
        return re.sub(r"<uuid:(.*?)>", lambda part: str(ids[part[1]]), path)


@pytest.fixture
def owner(services: Services) -> Owner:
    return Owner(services)


@pytest.fixture
def other(services: Services) -> Owner:
    return Owner(services)


@pytest.fixture
def other_pos(other: Owner) -> Headers:
    return other.headers


def ask(app: Flask, route: str, path: str, headers: Headers) -> Any:
    method = route.split(" ")[0]
    body = with_body()[route][-1] if route in with_body() else None
    return app.test_client().open(path, method=method, json=body, headers=headers)


def rule_of(route: str) -> str:
    return route.split(" ", 1)[1]


@pytest.mark.parametrize("who", ["guest", "other_pos"])
@pytest.mark.parametrize("route", OWNERS_ROUTES)
def test_sec_11_anothers_order_is_not_there(
    request: pytest.FixtureRequest, app: Flask, owner: Owner, route: str, who: str
) -> None:
    path = owner.url(rule_of(route))
    stranger = ask(app, route, path, request.getfixturevalue(who))
    nowhere = ask(app, route, owner.url(rule_of(route), order_id=uuid4()), request.getfixturevalue(who))
    assert (404, 404) == (stranger.status_code, nowhere.status_code)
    assert stranger.get_json()["detail"] == nowhere.get_json()["detail"]
    assert 200 == ask(app, route, path, owner.headers).status_code


@pytest.mark.parametrize("who", ["guest", "other_pos"])
@pytest.mark.parametrize("route", STAFF_ROUTES)
def test_sec_11_what_the_staff_does_to_an_order_nobody_else_does(
    request: pytest.FixtureRequest, app: Flask, owner: Owner, route: str, who: str
) -> None:
    for headers in (request.getfixturevalue(who), owner.headers):
        assert 403 == ask(app, route, owner.url(rule_of(route)), headers).status_code


@pytest.mark.parametrize("who", ["guest", "other_pos"])
def test_sec_11_lists_and_the_feed_hold_no_order_of_another(
    request: pytest.FixtureRequest, app: Flask, owner: Owner, who: str
) -> None:
    headers = request.getfixturevalue(who)
    for query in ("", f"?external_id={owner.external_id}", "?mine=false", "?status=pending"):
        assert str(owner.order_id) not in ask(app, "GET /orders", f"/orders{query}", headers).text
    assert str(owner.order_id) not in ask(app, "GET /events", "/events?after=0", headers).text


@pytest.mark.parametrize("route", WEBHOOK_ROUTES)
def test_sec_11_anothers_webhook_is_not_there(app: Flask, owner: Owner, other: Owner, route: str) -> None:
    path = owner.url(rule_of(route))
    assert 404 == ask(app, route, path, other.headers).status_code
    assert ask(app, route, path, owner.headers).status_code in (200, 202, 204)


@pytest.mark.parametrize("route", DELIVERY_ROUTES)
def test_sec_11_anothers_message_is_not_there_through_ones_own_webhook(
    app: Flask, owner: Owner, other: Owner, route: str
) -> None:
    """The webhook is theirs, the message is not."""
    mixed = owner.url(rule_of(route), webhook_id=other.webhook_id)
    assert 404 == ask(app, route, mixed, other.headers).status_code
    assert ask(app, route, owner.url(rule_of(route)), owner.headers).status_code in (200, 202)


def test_sec_11_a_list_of_webhooks_is_ones_own(app: Flask, owner: Owner, other: Owner) -> None:
    lists = [ask(app, "GET /webhooks", "/webhooks", who.headers).get_json()["webhooks"] for who in (owner, other)]
    assert [[str(owner.webhook_id)], [str(other.webhook_id)]] == [[it["id"] for it in found] for found in lists]


def test_sec_11_an_employee_gives_nobody_rights(app: Flask, bar: Bar, bartender: Headers) -> None:
    """Neither others nor themselves; nor a key, which would be good after their own dismissal."""
    everybody = "SELECT id, role, disabled_at FROM users ORDER BY id"
    before = bar.query(everybody)
    for user, *_ in before:
        for body in ({"role": "admin"}, {"role": "customer"}, {"disabled": True}, {"disabled": False}):
            assert 403 == app.test_client().patch(f"/users/{user}", json=body, headers=bartender).status_code
    key = {"integration": "mine", "scopes": ["orders:read"]}
    assert 403 == app.test_client().post("/api-keys", json=key, headers=bartender).status_code
    assert before == bar.query(everybody)
