"""Every kind of caller, with a token or a key of its own, and something to fill each part of a path with."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from flask import Flask
from werkzeug.test import TestResponse

from shakerqueue.api.guards import SCOPE_ATTRIBUTE
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


class Callers:
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

    def request(self, route: str, caller: str, query: str = "", body: Any = None, **headers: str) -> TestResponse:
        """A request for this route, as the table names it; where none is given the body is an empty object."""
        method, path = route.split(" ", 1)
        sent = body if body is not None or method in ("GET", "DELETE") else {}
        return self.app.test_client().open(
            self.path(path) + query, method=method, headers={**self.headers(route, caller), **headers}, json=sent
        )

    def path(self, rule: str) -> str:
        """A path by this rule, each of its parts filled."""
        for part in re.findall(r"<.*?>", rule):
            rule = rule.replace(part, str(getattr(self, part.strip("<>").rpartition(":")[2])()))
        return rule

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
