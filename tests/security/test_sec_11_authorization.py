"""Who may: every route of the URL map with every kind of caller, against one table."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from shakerqueue.api.guards import GUARD_ATTRIBUTE
from tests.support.bar import Bar
from tests.support.callers import IN, Callers, Outcome

CALLERS = (
    *("anonymous", "owner", "other customer", "employee", "admin", "revoked admin"),
    *("key", "key without the scope", "revoked key"),
)


def who(
    anonymous: Outcome,
    owner: Outcome,
    other: Outcome,
    employee: Outcome,
    admin: Outcome,
    key: Outcome,
    without_scope: Outcome = 403,
) -> Any:
    """What each caller gets, in the order of CALLERS; who was revoked is nobody."""
    outcomes = (anonymous, owner, other, employee, admin, anonymous, key, without_scope, anonymous)
    return dict(zip(CALLERS, outcomes, strict=True))


ANYONE = who(IN, IN, IN, IN, IN, IN, IN)
SIGNED_IN = who(401, IN, IN, IN, IN, IN, IN)
PEOPLE = who(401, IN, IN, IN, IN, 403)
PEOPLE_AND_KEYS = who(401, IN, IN, IN, IN, IN)
OWNER_AND_STAFF = who(401, IN, 404, IN, IN, 404)
STAFF = who(401, 403, 403, IN, IN, 403)
STAFF_AND_KEYS = who(401, 403, 403, IN, IN, IN)
ADMIN = who(401, 403, 403, 403, IN, 403)
ADMIN_AND_KEYS = who(401, 403, 403, 403, IN, IN)
HOUSES_WEBHOOK = who(401, 403, 403, 403, IN, 404)
HOUSES_DELIVERY = who(401, 403, 403, 403, 404, 404)  # there is none

ITEM = "/orders/<uuid:order_id>/items/<int:number>"

# One line a route.
ROUTES: dict[str, dict[str, Outcome]] = {
    "GET /livez": ANYONE,
    "GET /readyz": ANYONE,
    "GET /openapi.json": ANYONE,
    "GET /docs": ANYONE,
    "GET /docs/<version>/<path:file>": ANYONE,
    "POST /register": ANYONE,
    "POST /login": ANYONE,
    "POST /token/refresh": ANYONE,
    "POST /logout": PEOPLE,
    "POST /session": who(403, 403, 403, 403, 403, 403),  # no page of our own asks here
    "GET /session": ANYONE,
    "POST /session/table": who(403, 403, 403, 403, 403, 403),
    "POST /session/refresh": who(403, 403, 403, 403, 403, 403),
    "DELETE /session": PEOPLE,
    "GET /session/colleagues": STAFF,
    "POST /session/switch": STAFF,
    "GET /me": SIGNED_IN,
    "PATCH /me": PEOPLE,
    "PUT /me/pin": STAFF,
    "DELETE /me/pin": STAFF,
    "GET /users": ADMIN,
    "GET /users/<uuid:user_id>": ADMIN,
    "PATCH /users/<uuid:user_id>": ADMIN,
    "POST /api-keys": ADMIN,
    "GET /api-keys": ADMIN,
    "DELETE /api-keys/<uuid:key_id>": who(401, 403, 403, 403, 404, 403),  # there is none
    "POST /webhooks": ADMIN_AND_KEYS,
    "GET /webhooks": ADMIN_AND_KEYS,
    "GET /webhooks/<uuid:webhook_id>": HOUSES_WEBHOOK,
    "PATCH /webhooks/<uuid:webhook_id>": ADMIN_AND_KEYS,  # an empty change is refused first
    "DELETE /webhooks/<uuid:webhook_id>": HOUSES_WEBHOOK,
    "POST /webhooks/<uuid:webhook_id>/rotate": HOUSES_WEBHOOK,
    "POST /webhooks/<uuid:webhook_id>/test": HOUSES_WEBHOOK,
    "POST /webhooks/<uuid:webhook_id>/redeliver": ADMIN_AND_KEYS,
    "GET /webhooks/<uuid:webhook_id>/deliveries": HOUSES_WEBHOOK,
    "GET /webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>": HOUSES_DELIVERY,
    "POST /webhooks/<uuid:webhook_id>/deliveries/<uuid:delivery_id>/redeliver": HOUSES_DELIVERY,
    "GET /reports/service": STAFF,
    "GET /reports/recipes": STAFF,
    "GET /reports/staff": STAFF,
    "GET /admin/status": STAFF,
    "GET /admin/dead-letters": ADMIN,
    "GET /admin/dead-letters/<other_than(retry, discard):letter_id>": who(
        401, 403, 403, 403, 404, 403
    ),  # there is none
    "POST /admin/dead-letters/retry": ADMIN,
    "POST /admin/dead-letters/discard": ADMIN,
    "GET /events": PEOPLE_AND_KEYS,
    "POST /orders": PEOPLE_AND_KEYS,
    "POST /orders/batch": STAFF_AND_KEYS,
    "GET /orders": PEOPLE_AND_KEYS,
    "GET /orders/<uuid:order_id>": OWNER_AND_STAFF,
    "POST /orders/<uuid:order_id>/<any(start, complete, recall, acknowledge, serve, unserve):verb>": STAFF,
    "POST /orders/<uuid:order_id>/fail": STAFF,
    "POST /orders/<uuid:order_id>/cancel": OWNER_AND_STAFF,
    f"POST {ITEM}/<any(start, complete, recall, acknowledge, serve, unserve, release):verb>": STAFF,
    f"POST {ITEM}/fail": STAFF,
    f"POST {ITEM}/cancel": OWNER_AND_STAFF,
    "GET /": ANYONE,
    "GET /t/<link>": ANYONE,
    "GET /board": ANYONE,
    "GET /manager": ANYONE,
    "GET /static/<version>/<path:name>": ANYONE,
    "GET /menu": ANYONE,
    "GET /recipes": STAFF_AND_KEYS,
    "POST /recipes": STAFF_AND_KEYS,
    "GET /recipes/<uuid:recipe_id>": STAFF_AND_KEYS,
    "PATCH /recipes/<uuid:recipe_id>": STAFF_AND_KEYS,
    "DELETE /recipes/<uuid:recipe_id>": STAFF_AND_KEYS,
    "GET /bar": ANYONE,
    "PATCH /bar": STAFF,
    "GET /tables": STAFF,
    "POST /tables": STAFF,
    "DELETE /tables/<uuid:table_id>": STAFF,
    "POST /tables/<uuid:table_id>/revoke": STAFF,
    "GET /tables/<uuid:table_id>/qr.svg": STAFF,
    "GET /queue": STAFF_AND_KEYS,
    "POST /queue/claim": STAFF,
    "POST /queue/fail": STAFF,
}


@pytest.fixture(scope="module")
def callers(shared_app: Flask, shared_bar: Bar) -> Callers:
    return Callers(shared_app, shared_bar)


def test_sec_11_every_route_stands_in_the_table_and_says_who_may(callers: Callers) -> None:
    assert set(ROUTES) == set(callers.views)
    assert [] == [route for route, view in callers.views.items() if not guarded(view)]


def guarded(view: Callable[..., Any]) -> bool:
    return hasattr(view, GUARD_ATTRIBUTE)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", ROUTES)
def test_sec_11_who_may(callers: Callers, route: str, caller: str) -> None:
    assert ROUTES[route][caller] == callers.ask(route, caller)
