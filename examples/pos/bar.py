"""The bar's HTTP API as a till needs it. It tells what is certain from what is not, and repeats nothing by itself."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import httpx

from .store import Check

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0  # the bar answers within three, or not at all
PAGE_ORDERS = 200
ORDER_FIELDS = {"id", "placed_at", "items"}  # by which we know an answer to be the bar's
PROBLEM_FIELDS = {"detail", "errors"}

Json = dict[str, Any]


class NoAnswer(Exception):
    """Nobody knows whether the bar did what it was asked. Asking again is right, under the same key."""

    def __init__(self, reason: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class KeyRefused(Exception):
    """The API key is not good, or lacks a scope. It says nothing about a check: send it when the key is mended."""


class BatchRefused(Exception):
    """The bar has not looked at the orders: the batch as a whole is too large, or wrong. Fewer may be taken."""


@dataclass(frozen=True)
class Accepted:
    """The bar has the order; it exists once, however often it was sent."""

    order: Json


@dataclass(frozen=True)
class Refused:
    """The bar has looked at the order and will not have it. Sending it again changes nothing."""

    problem: Json

    @property
    def for_the_cashier(self) -> str:
        """Each field that is wrong, and why; else what is wrong with the whole."""
        fields = [f"{error['field']}: {error['detail']}" for error in self.problem["errors"]]
        return "; ".join(fields or [self.problem["detail"]])


class Bar:
    """A connection to the bar, under one API key. A context manager."""

    def __init__(self, url: str, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def place(self, check: Check) -> Accepted | Refused:
        """Send one check.

        Raises:
            NoAnswer: nobody knows.
            KeyRefused: the key is not good.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": check.key}
        answer = self._ask("POST", "/orders", content=check.body, headers=headers)
        outcome = _outcome(answer.status_code, _said(answer))
        if isinstance(outcome, NoAnswer):
            raise outcome
        return outcome

    def place_all(self, checks: Sequence[Check]) -> list[Accepted | Refused | NoAnswer]:
        """Send up to 100 checks at once; what became of each, in their order.

        Raises:
            NoAnswer: nobody knows of any.
            BatchRefused: none was accepted.
            KeyRefused: the key is not good.
        """
        orders = [{"idempotency_key": check.key, **json.loads(check.body)} for check in checks]
        answer = self._ask("POST", "/orders/batch", json={"orders": orders})
        if isinstance(_outcome(answer.status_code, _said(answer)), Refused):
            raise BatchRefused
        outcomes = _outcomes(_certain(answer))
        if len(outcomes) != len(checks):
            raise NoAnswer("the answer tells of other orders than were sent")
        return outcomes

    def orders_updated_after(self, moment: str) -> Iterator[Json]:
        """The till's own orders that changed since, page by page; a time as the bar tells it (RFC 3339)."""
        cursor: dict[str, str] = {}
        while True:
            query = {"updated_after": moment, "limit": PAGE_ORDERS, **cursor}
            page = _certain(self._ask("GET", "/orders", params=query))
            yield from page["orders"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def events(self, after: int | None, wait_seconds: int = 0) -> Json:
        """What happened after a place in the bar's log: `{"events", "after", "reset"}`; without a place, where it ends.

        While there is nothing the bar holds the answer back for `wait_seconds`, 30 at most.
        """
        query = {} if after is None else {"after": after, "wait": wait_seconds}
        timeout = httpx.Timeout(ANSWER_SECONDS + wait_seconds, connect=CONNECT_SECONDS)
        return _certain(self._ask("GET", "/events", params=query, timeout=timeout))

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """An answer that is worth reading."""
        try:
            answer = self._http.request(method, path, **request)
        except httpx.RequestError as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            raise NoAnswer(f"the bar answers {answer.status_code}", _retry_after_seconds(answer))
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise KeyRefused(_said(answer)["detail"])
        return answer


def _outcome(status: int, said: Json) -> Accepted | Refused | NoAnswer:
    if status == httpx.codes.ACCEPTED and said.keys() >= ORDER_FIELDS:
        return Accepted(said)
    refused = httpx.codes.is_client_error(status) and status != httpx.codes.TOO_MANY_REQUESTS
    if refused and said.keys() >= PROBLEM_FIELDS:
        return Refused(said)
    return NoAnswer(f"the bar answers {status}")


def _outcomes(said: Json) -> list[Accepted | Refused | NoAnswer]:
    """What became of each order of a batch."""
    try:
        return [_outcome(one["status"], one.get("order") or one["error"]) for one in said["orders"]]
    except (AttributeError, KeyError, TypeError) as error:
        raise NoAnswer("the answer is not about orders") from error


def _certain(answer: httpx.Response) -> Json:
    """What a 200 says. Anything else is a fault of this program or of its network, and no word about any check."""
    said = _said(answer)
    if answer.status_code != httpx.codes.OK:
        raise NoAnswer(f"the bar answers {answer.status_code}: {said.get('detail')}")
    return said


def _said(answer: httpx.Response) -> Json:
    """What the bar says. Anybody on the way may say something else: a proxy, or the sign-in of a wireless network."""
    expected = "application/json" if answer.is_success else "application/problem+json"
    if answer.headers.get("Content-Type") != expected:
        raise NoAnswer(f"somebody who is not the bar answers {answer.status_code}")
    try:
        said = answer.json()
    except ValueError as error:
        raise NoAnswer("the answer is not JSON") from error
    if not isinstance(said, dict):
        raise NoAnswer("the answer is not a JSON object")
    return said


def _retry_after_seconds(answer: httpx.Response) -> float:
    given = answer.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else 0.0
