"""Who may: every route of the URL map with every kind of caller, against one table."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shakerqueue.api.guards import GUARD_ATTRIBUTE, SCOPE_ATTRIBUTE
from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.api.tokens import make_access_token
from shakerqueue.intake import insert_orders
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.queries import api_keys, sessions, users
from shakerqueue.queries.models import User, UserRole
from shakerqueue.scopes import Scope
from shakerqueue.sessions import SignIn
from shakerqueue.tables import add_tables
from tests.support.bar import Bar
from tests.support.orders import drink, order
from tests.support.waiting import eventually
from tests.support.webhooks import add_endpoint

Outcome = int | str
IN = "in"  # past the guard, whatever the view then says of an empty request

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


PAGES = frozenset({"GET /", "GET /t/<link>", "GET /board", "GET /manager", "GET /docs"})


class House:
    """The application, one token per kind of caller, and something to fill each part of a path with."""

    def __init__(self, app: Flask, bar: Bar) -> None:
        self.app = app
        self.services: Services = app.extensions[EXTENSION]
        with psycopg.connect(bar.database_url) as conn:
            self.owner = self._user(conn, UserRole.CUSTOMER)
            self.callers = {
                "owner": self.owner,
                "other customer": self._user(conn, UserRole.CUSTOMER),
                "employee": self._user(conn, UserRole.EMPLOYEE),
                "admin": self._user(conn, UserRole.ADMIN),
                "revoked admin": self._user(conn, UserRole.ADMIN),
            }
            self.pos = add_integration(conn, uuid4().hex)
        self.revoked_session = self._revoked_session(self.callers["revoked admin"])
        self.views = {
            f"{method} {rule.rule}": app.view_functions[rule.endpoint]
            for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        }

    # By the name of a path's part. Made anew for each request, for the one before may have changed it.
    def order_id(self) -> UUID:
        with self.services.database.transaction() as conn:
            placed = order(self.owner.id, drink(conn))
            insert_orders(conn, [placed])
        return placed.id

    def letter_id(self) -> str:
        return uuid4().hex

    def recipe_id(self) -> UUID:
        with self.services.database.connection() as conn:
            conn.execute(
                "INSERT INTO recipes (name, build, ingredients) VALUES (%s, 'sour', '[]')", [name := uuid4().hex]
            )
            return drink(conn, name).recipe_id

    def link(self) -> str:
        return "any"

    def table_id(self) -> UUID:
        with self.services.database.transaction() as conn:
            [table] = add_tables(conn, [uuid4().hex])
        return table.id

    def version(self) -> str:
        return "any"

    def name(self) -> str:
        return "base.css"

    def file(self) -> str:
        return "swagger-ui.css"

    def number(self) -> int:
        return 1

    def key_id(self) -> UUID:
        return uuid4()

    def webhook_id(self) -> UUID:
        with self.services.database.transaction() as conn:
            return add_endpoint(conn).id

    def delivery_id(self) -> UUID:
        return uuid4()

    def verb(self) -> str:
        return "start"

    def user_id(self) -> UUID:
        return self.owner.id

    def headers(self, route: str, caller: str) -> dict[str, str]:
        if caller == "anonymous":
            return {}
        return {"Authorization": f"Bearer {self._key(route, caller) if 'key' in caller else self._token(caller)}"}

    def _key(self, route: str, caller: str) -> str:
        """A key with the route's scope alone, or with every other one; with all of them where it has none."""
        scope: Scope | None = getattr(self.views[route], SCOPE_ATTRIBUTE, None)
        scopes = {scope} if scope and caller != "key without the scope" else set(Scope) - {scope}
        with self.services.database.transaction() as conn:
            issued = issue_key(conn, self.pos, scopes=scopes, expires_at=None)
            if caller == "revoked key":
                api_keys.revoke_api_key(conn, id=issued.stored.id, by=self.callers["admin"].id)
        return issued.key

    def _token(self, caller: str) -> str:
        """Of a session of its own for each request: one of the routes is the log-out."""
        session_id = self.revoked_session if caller == "revoked admin" else uuid4()
        with self.app.app_context():
            sign_in = SignIn(self.callers[caller], session_id, "", expires_at=datetime.now(UTC) + timedelta(hours=1))
            return make_access_token(sign_in).token

    def ask(self, route: str, caller: str) -> Outcome:
        """What the caller gets for a request with an empty JSON object, as far as guards have to do with it."""
        answer = self.request(route, caller)
        assert answer.status_code < 500, answer.text
        answer.close()  # one of the routes is a stream
        return answer.status_code if answer.status_code in (401, 403, 404) else IN

    def request(self, route: str, caller: str, query: str = "") -> TestResponse:
        method, path = route.split(" ", 1)
        for part in re.findall(r"<.*?>", path):
            path = path.replace(part, str(getattr(self, part.strip("<>").rpartition(":")[2])()))
        body: dict[str, str] | None = None if method in ("GET", "DELETE") else {}
        return self.app.test_client().open(path + query, method=method, headers=self.headers(route, caller), json=body)

    def _user(self, conn: psycopg.Connection[Any], role: UserRole) -> User:
        name = uuid4().hex
        user = users.insert_user(
            conn, username=name, email=f"{name}@example.com", password_hash="none that matches", role=role
        )
        assert user is not None
        return user

    def _revoked_session(self, user: User) -> UUID:
        with self.services.database.connection() as conn:
            session_id = self.services.sessions.open(conn, user).session_id
            sessions.revoke_session(conn, id=session_id)
        epoch = user.token_epoch
        revocations = self.services.revocations
        eventually(lambda: revocations.cover(user_id=user.id, token_epoch=epoch, session_id=session_id))
        return session_id


@pytest.fixture(scope="module")
def house(shared_app: Flask, shared_bar: Bar) -> House:
    return House(shared_app, shared_bar)


def test_every_route_stands_in_the_table_and_says_who_may(house: House) -> None:
    assert set(ROUTES) == set(house.views)
    assert [] == [route for route, view in house.views.items() if not guarded(view)]


def guarded(view: Callable[..., Any]) -> bool:
    return hasattr(view, GUARD_ATTRIBUTE)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("route", ROUTES)
def test_who_may(house: House, route: str, caller: str) -> None:
    assert ROUTES[route][caller] == house.ask(route, caller)


@pytest.mark.parametrize("route", [route for route in ROUTES if route not in PAGES])
def test_no_route_lets_an_unknown_query_parameter_pass(house: House, route: str) -> None:
    answer = house.request(route, "admin", "?serach=x")
    assert (422, "serach") in [(answer.status_code, error["field"]) for error in answer.get_json()["errors"]]
