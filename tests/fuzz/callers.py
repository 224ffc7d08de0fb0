"""Who asks: nobody, a person of each role, and a program with a key of every scope."""

from typing import Any
from uuid import uuid4

import httpx

from shakerqueue.queries.models import UserRole
from shakerqueue.scopes import Scope
from tests.fuzz.target import Target
from tests.support.bar import DEMO_PASSWORD

Security = list[dict[str, list[str]]]  # one of these is needed: roles or scopes by the way to say who asks

LOST_RIGHTS = (401, 403)


class Caller:
    """One kind of caller. `name` is what the figures call it; `id` is its principal, if it is one."""

    name: str
    id: str | None = None

    def __init__(self, client: httpx.Client) -> None:
        """`client` is for what is not part of the run: to prepare it, and to look something up."""
        self._client = client

    @property
    def headers(self) -> dict[str, str]:
        """What says who is asking."""
        return {}

    def may(self, security: Security) -> bool:
        """Whether an operation's `security` lets this caller in; an empty one lets in anybody."""
        return not security

    def begin_anew(self) -> None:
        """Have all rights again, whatever the requests so far have done to them."""

    def request(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Ask for what is not part of the run; the answer's JSON. A right that was lost is had again first."""
        answer = self._client.request(method, path, json=body or None, headers=self.headers)
        if answer.status_code in LOST_RIGHTS:
            self.begin_anew()
            answer = self._client.request(method, path, json=body or None, headers=self.headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


class Nobody(Caller):
    """Whoever has neither token nor key."""

    name = "nobody"


class Person(Caller):
    """An account of a role, signed in.

    Its own requests log it out, change its password or its role, and use up its attempts. So it is put back in order in
    the database: no request can keep it from asking on.
    """

    def __init__(self, client: httpx.Client, target: Target, role: UserRole) -> None:
        super().__init__(client)
        self.name = role.value
        self._target = target
        self._email = f"{role.value}-{uuid4().hex}@example.com"
        self._headers: dict[str, str] = {}
        made = self.request("POST", "/register", username=self._email, email=self._email, password=DEMO_PASSWORD)
        self.id = made["user"]["id"]
        [self._password_hash] = target.column("SELECT password_hash FROM users WHERE id = %(id)s", id=self.id)
        self.begin_anew()

    @property
    def headers(self) -> dict[str, str]:
        return self._headers

    def may(self, security: Security) -> bool:
        return not security or any(self.name in need.get("accessToken", ()) for need in security)

    def begin_anew(self) -> None:
        with self._target.database() as conn:
            conn.execute(
                "UPDATE users SET role = %s, disabled_at = NULL, password_hash = %s WHERE id = %s",
                [self.name, self._password_hash, self.id],
            )
            conn.execute("DELETE FROM failed_attempts")
        self._headers = {"Authorization": f"Bearer {self.sign_in()['token']}"}

    def sign_in(self) -> dict[str, Any]:
        """Sign in once more; what `POST /login` answers."""
        answer = self._client.post("/login", json={"email": self._email, "password": DEMO_PASSWORD})
        assert answer.is_success, answer.text
        signed_in: dict[str, Any] = answer.json()
        return signed_in


class Program(Caller):
    """An integration, with a key of all scopes. None of its own requests can take that away."""

    name = "API key"

    def __init__(self, client: httpx.Client, admin: Person) -> None:
        super().__init__(client)
        made = admin.request("POST", "/api-keys", integration=f"till-{uuid4().hex}", scopes=[*Scope])
        self.id = made["integration"]["id"]
        self._key: str = made["key"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def may(self, security: Security) -> bool:
        return not security or any("apiKey" in need for need in security)
