"""Values that mean something to the bar that is asked: made-up ids and names alone would meet 404 and 422 only.

They are put in by the names of members and parameters, so an operation that is new gets those that it shares with
others. `NAMED` says where a name stands for something else.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from schemathesis import Case

from shakerqueue.api.openapi.examples import MEMBERS
from tests.fuzz.callers import Caller, Person
from tests.fuzz.target import Target
from tests.support.bar import DEMO_PASSWORD

SHARE = 0.75  # of the requests that are as the document wants them; the others keep what was made up
CHOICES = 20
PIN = MEMBERS["pin"]


class RealValues:
    """Looks up what there is at the moment: requests archive, revoke and use up."""

    def __init__(self, target: Target, caller: Caller, admin: Person, seed: int) -> None:
        self._target = target
        self._caller = caller
        self._admin = admin
        self._chance = random.Random(seed)

    def put_into(self, case: Case[Any]) -> None:
        """Replace what is known by name, in the whole request at once: values of one request belong together."""
        if case.meta is None or not case.meta.generation.mode.is_positive or self._chance.random() > SHARE:
            return
        operation = case.operation.label
        case.path_parameters = self._replaced(operation, case.path_parameters)
        case.query = self._replaced(operation, case.query)
        if isinstance(case.body, dict | list):  # set to itself, an absent one would count as wrong
            case.body = self._replaced(operation, case.body)
        for name in set(case.headers) & set(BY_NAME):
            case.headers[name] = BY_NAME[name](self, operation)
        if operation == "POST /session/refresh":
            case.cookies["refresh_token"] = self.refresh_token()

    def _replaced(self, operation: str, value: Any) -> Any:
        """A copy with real values: what schemathesis made it keeps, and derives further requests from it."""
        match value:
            case dict():
                return {name: self._member(operation, name, child) for name, child in value.items()}
            case list():
                return [self._replaced(operation, child) for child in value]
            case _:
                return value

    def _member(self, operation: str, name: str, value: Any) -> Any:
        look_up = NAMED.get(f"{operation} {name}") or BY_NAME.get(name)
        if look_up is None:
            return self._replaced(operation, value)
        found = look_up(self, operation)
        return value if found is None else found

    def one_of(self, statement: str) -> Any:
        """One value of the query's first column, as text; None where there is none. `%(me)s` is the caller."""
        found = self._target.column(f"{statement} LIMIT {CHOICES}", me=self._caller.id)
        return str(self._chance.choice(found)) if found else None

    def cursor(self, operation: str) -> Any:
        """Where the second page of this list begins; of a list of something's own, what was made up stays."""
        method, path = operation.split(" ")
        if "{" in path:
            return None
        return self._admin.request(method, f"{path}?limit=1").get("next_cursor")

    def table_link(self) -> str | None:
        """What a table's code leads to."""
        tables: Any = self._admin.request("GET", "/tables")["tables"]
        return str(self._chance.choice(tables)["link"]).rpartition("/")[2] if tables else None

    def refresh_token(self) -> str:
        """Of a sign-in that is good for nothing else."""
        return str(self._admin.sign_in()["refresh_token"])

    def dead_letter_id(self) -> str:
        return self._target.dead_letter_id()

    def day(self) -> str:
        """A day of this week."""
        return str(datetime.now(UTC).date() - timedelta(days=self._chance.randrange(7)))


LookUp = Callable[[RealValues, str], Any]


def newest(table: str, condition: str = "true") -> LookUp:
    """One of the rows that were made last."""
    return lambda real, _: real.one_of(f"SELECT id FROM {table} WHERE {condition} ORDER BY created_at DESC")


def ahead(**distance: float) -> LookUp:
    """A moment that is still to come."""
    return lambda *_: (datetime.now(UTC) + timedelta(**distance)).isoformat()


def new(pattern: str) -> LookUp:
    """A name that nobody has."""
    return lambda *_: pattern.format(uuid4().hex)


def always(value: Any) -> LookUp:
    return lambda *_: value


ORDERS = "SELECT id FROM orders ORDER BY principal_id = %(me)s DESC, placed_at DESC"
MENU = "SELECT name FROM recipes WHERE archived_at IS NULL AND available AND coalesce(remaining, 1) > 0"
COLLEAGUES = "SELECT id FROM users WHERE pin_hash IS NOT NULL AND disabled_at IS NULL AND role IN ('employee', 'admin')"

BY_NAME: dict[str, LookUp] = {
    "Last-Event-ID": lambda real, _: real.one_of("SELECT id FROM order_events ORDER BY id DESC"),
    "after": lambda real, _: real.one_of("SELECT id FROM order_events ORDER BY id DESC"),
    "closes_at": ahead(hours=1),
    "created_from": always("2020-01-01T00:00:00Z"),
    "cursor": RealValues.cursor,
    "email": always("user@example.com"),
    "delivery_id": newest("webhook_deliveries"),
    "expires_at": ahead(days=30),
    "from": lambda real, _: real.day(),
    "Idempotency-Key": new("{}"),
    "idempotency_key": new("{}"),
    "integration": new("till-{}"),
    "integration_id": newest("users", "role = 'integration'"),
    "key_id": newest("api_keys", "revoked_at IS NULL"),
    "letter_id": lambda real, _: real.dead_letter_id(),
    "link": lambda real, _: real.table_link(),
    "number": always(1),
    "old_password": always(DEMO_PASSWORD),
    "order_id": lambda real, _: real.one_of(ORDERS),
    "password": always(DEMO_PASSWORD),
    "pin": always(PIN),
    "recipe": lambda real, _: real.one_of(f"{MENU} ORDER BY created_at DESC"),
    "recipe_id": newest("recipes", "archived_at IS NULL"),
    "refresh_token": lambda real, _: real.refresh_token(),
    "reopens_at": ahead(hours=8),
    "table_id": newest("tables", "archived_at IS NULL"),
    "url": new("https://hooks.example/{}"),  # nobody sends: there is no dispatcher
    "webhook_id": newest("webhook_endpoints", "deleted_at IS NULL"),
    "to": lambda *_: str(datetime.now(UTC).date()),
    "user_id": newest("users", "email LIKE '%%@example.com'"),
}
NAMED: dict[str, LookUp] = {
    "POST /recipes name": new("Drink {}"),
    "PATCH /recipes/{recipe_id} name": new("Drink {}"),
    "POST /register email": new("{}@example.com"),
    "POST /register username": new("guest-{}"),
    "POST /session/switch user_id": lambda real, _: real.one_of(f"{COLLEAGUES} ORDER BY created_at DESC"),
}
