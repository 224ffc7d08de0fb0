"""Who calls the product's API, and how: patiently, and under a key what must not happen twice."""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from dev.rush.tally import Tally

TIMEOUT_SECONDS = 10.0
PATIENCE_SECONDS = 60.0  # how long a request is repeated that has no certain answer
CLOSING_PATIENCE_SECONDS = 10.0  # the same once the bar has closed
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
PAGE_SIZE = 200
RENEWED_AT = 0.8  # share of a token's life
WAITING_ROOM = 32  # connections: more requests at once queue up here and not in the product
ASKS_FOR_PATIENCE = (429, 503)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class NoAnswer(Exception):
    """Nothing certain was answered, however often it was asked."""


class Refused(NoAnswer):
    """What somebody needs to go on was not answered as it must be. The text says what was."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`outcome` is the status, with the problem's code if it is one: `202`, `409 sold_out`."""

    outcome: str
    json: Any
    retry_after_seconds: float | None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.outcome.startswith("2")


class Product:
    """Where the product is, and the tally of what it is asked."""

    def __init__(self, base_url: str, tally: Tally) -> None:
        self.base_url = base_url
        self.tally = tally
        self._tls = ssl.create_default_context()  # made once: it reads all the certificates there are

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client with cookies of its own. It asks the product itself, whatever proxy the environment names."""
        limits = httpx.Limits(max_connections=WAITING_ROOM)
        async with httpx.AsyncClient(
            base_url=self.base_url,
            headers={"Accept": "application/json"},  # `GET /events` would be a stream otherwise
            timeout=TIMEOUT_SECONDS,
            limits=limits,
            verify=self._tls,
            trust_env=False,
        ) as client:
            yield client


class Caller:
    """Somebody who may ask what anyone may. Subclasses show a credential."""

    def __init__(self, product: Product, client: httpx.AsyncClient) -> None:
        self.tally = product.tally
        self._client = client

    async def ask(
        self,
        method: str,
        path: str,
        *,
        expect: Collection[str] = ("200",),
        body: dict[str, Any] | None = None,
        query: dict[str, str | int] | None = None,
        key: str | None = None,
        patient: bool = True,
    ) -> Answer:
        """The answer, after as many repeats as it takes. One that is not among `expect` is noted as unexpected.

        Raises:
            NoAnswer: none within the time; at once unless `patient`.
        """
        headers = await self._headers() | ({"Idempotency-Key": key} if key else {})
        began, pause_seconds = time.monotonic(), FIRST_PAUSE_SECONDS
        while (answer := await self._once(method, path, headers, body, query)) is None or _wants_repeat(answer, expect):
            seconds = (answer and answer.retry_after_seconds) or pause_seconds
            if not patient or time.monotonic() + seconds > began + self._patience_seconds():
                raise NoAnswer(f"{method} {path} has no certain answer")
            self.tally.repeated += 1
            await asyncio.sleep(seconds)
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)
        if answer.outcome not in expect:
            self.tally.unexpected[f"{method} {ID.sub('…', path)}: {answer.outcome}"] += 1
        return answer

    async def need(self, method: str, path: str, **options: Any) -> Any:
        """What the answer holds.

        Raises:
            Refused: it is not among those that are expected.
            NoAnswer: as `ask`.
        """
        expect = options.get("expect", ("200",))
        answer = await self.ask(method, path, **options)
        if answer.outcome not in expect:
            raise Refused(f"{method} {path} was answered {answer.outcome}")
        return answer.json

    async def every(self, path: str, noun: str, query: dict[str, str | int] | None = None) -> list[dict[str, Any]]:
        """A whole list, which the product gives page by page.

        Raises:
            Refused: a page could not be had.
        """
        found: list[dict[str, Any]] = []
        cursor: dict[str, str | int] = {"limit": PAGE_SIZE}
        while True:
            page = await self.need("GET", path, query={**(query or {}), **cursor})
            found += page[noun]
            if not page["next_cursor"]:
                return found
            cursor["cursor"] = page["next_cursor"]

    async def _headers(self) -> dict[str, str]:
        return {}

    async def _once(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | None, query: Any
    ) -> Answer | None:
        self.tally.requests += 1
        try:
            response = await self._client.request(method, path, headers=headers, json=body, params=query)
        except httpx.TransportError:
            return None
        return _answer(response)

    def _patience_seconds(self) -> float:
        return CLOSING_PATIENCE_SECONDS if self.tally.clock.closed.is_set() else PATIENCE_SECONDS


class Person(Caller):
    """Somebody with an account, who signs in again before the token ends."""

    def __init__(self, product: Product, client: httpx.AsyncClient, email: str, password: str) -> None:
        super().__init__(product, client)
        self.id = ""
        self.username = ""
        self._visitor = Caller(product, client)
        self._credentials = {"email": email, "password": password}
        self._token = ""
        self._renew_at = 0.0

    async def sign_in(self) -> None:
        """Get a token.

        Raises:
            Refused: there is no such account.
        """
        said = await self._visitor.need("POST", "/login", body=self._credentials)
        self.id, self.username = said["user"]["id"], said["user"]["username"]
        self._token = said["token"]
        self._renew_at = time.monotonic() + RENEWED_AT * said["expires_in"]

    async def _headers(self) -> dict[str, str]:
        if time.monotonic() > self._renew_at:
            await self.sign_in()
        return {"Authorization": f"Bearer {self._token}"}


class TableGuest(Caller):
    """A guest who scanned a table's code: a browser, with cookies that no other caller's client has."""

    def __init__(self, product: Product, client: httpx.AsyncClient) -> None:
        super().__init__(product, client)
        self._origin = {"Origin": product.base_url}
        self._renew_at = 0.0

    async def scan(self, link: str) -> None:
        """Open the link's pass.

        Raises:
            Refused: the link is not good, or too many came by it.
        """
        self._renew_at = float("inf")
        said = await self.need("POST", "/session/table", body={"link": link.rpartition("/")[2]})
        self._renew_at = time.monotonic() + RENEWED_AT * said["expires_in"]

    async def _headers(self) -> dict[str, str]:
        if time.monotonic() > self._renew_at:
            self._renew_at = float("inf")
            said = await self.need("POST", "/session/refresh")
            self._renew_at = time.monotonic() + RENEWED_AT * said["expires_in"]
        return self._origin


class Program(Caller):
    """A program with an API key."""

    def __init__(self, product: Product, client: httpx.AsyncClient, key: str) -> None:
        super().__init__(product, client)
        self._key = key

    async def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}


def _answer(response: httpx.Response) -> Answer:
    is_json = response.content and "json" in response.headers.get("Content-Type", "")
    body = response.json() if is_json else None
    code = body.get("code") if isinstance(body, dict) and response.is_error else None
    retry_after = response.headers.get("Retry-After", "")
    return Answer(
        outcome=f"{response.status_code} {code}" if code else str(response.status_code),
        json=body,
        retry_after_seconds=float(retry_after) if retry_after.isdigit() else None,
    )


def _wants_repeat(answer: Answer, expect: Collection[str]) -> bool:
    """Whether it may be answered otherwise later: it says so itself, unless the caller asked for just this."""
    if answer.outcome in expect:
        return False
    return answer.retry_after_seconds is not None or int(answer.outcome[:3]) in ASKS_FOR_PATIENCE
