"""Who calls during `make rush`: patient, with the same key, and honest about what was answered otherwise."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest

from dev.rush.callers import Answer, Caller, NoAnswer, Product, Refused
from dev.rush.clock import BarClosed, EveningClock, time_of_day
from dev.rush.evening import Evening, Path, PlannedOrder, Span
from dev.rush.ordering import Ordering
from dev.rush.tally import Tally
from dev.rush.taste import Line

URL = "http://bar.example"
Handler = Callable[[httpx.Request], httpx.Response]
BUSY = httpx.Response(503, headers={"Retry-After": "0"})
ORDER = PlannedOrder(number=7, at_seconds=0, path=Path.GUEST, table=3, lines=(Line("Mojito", 2),))
EVENING = Evening(
    seconds=3600,
    orders=(ORDER,),
    favourites=("Mojito", "Negroni"),
    sold_out="Mojito",
    sold_out_span=Span(0, 3600),
    till_offline=Span(0, 0),
)


@pytest.fixture
def tally() -> Tally:
    return Tally(EveningClock(90), mark="rush-1")


T = TypeVar("T")


def calling(tally: Tally, handler: Handler, act: Callable[[Caller], Awaitable[T]]) -> T:
    """What comes of acting as a caller whom the handler answers."""

    async def call() -> T:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url=URL) as client:
            return await act(Caller(Product(URL, tally), client))

    return asyncio.run(call())


def asked(tally: Tally, handler: Handler, **options: Any) -> Answer:
    """One question, answered by the handler."""
    return calling(tally, handler, lambda caller: caller.ask("POST", "/orders", **options))


def test_whoever_is_told_to_come_back_does_so_with_the_same_key(tally: Tally) -> None:
    answers = [BUSY, httpx.Response(429), httpx.Response(202, json={"id": "a"})]
    keys = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        return answers.pop(0)

    assert "202" == asked(tally, answer, key="k", expect=("202",)).outcome
    assert ["k", "k", "k"] == keys
    assert (3, 2, 0) == (tally.requests, tally.repeated, tally.unexpected.total())


def test_a_lost_answer_is_asked_for_again(tally: Tally) -> None:
    answers = iter([True, False])

    def answer(request: httpx.Request) -> httpx.Response:
        if next(answers):
            raise httpx.ReadTimeout("gone", request=request)
        return httpx.Response(202)

    assert asked(tally, answer, expect=("202",)).ok


def test_who_has_no_patience_asks_once(tally: Tally) -> None:
    with pytest.raises(NoAnswer):
        asked(tally, lambda _: BUSY, patient=False)
    assert (1, 0) == (tally.requests, tally.repeated)


def test_an_answer_that_was_not_expected_is_noted_without_its_ids(tally: Tally) -> None:
    problem = httpx.Response(409, json={"code": "conflict"})
    assert "409 conflict" == asked(tally, lambda _: problem).outcome
    assert {"POST /orders: 409 conflict": 1} == dict(tally.unexpected)


def placed(tally: Tally, answers: list[httpx.Response]) -> tuple[str | None, list[Any]]:
    """The id of ORDER, answered so, and what was asked for."""
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return answers.pop(0)

    return calling(tally, answer, lambda caller: Ordering(EVENING, tally).place(caller, ORDER)), bodies


def refusal(code: str) -> httpx.Response:
    return httpx.Response(409, json={"code": code})


def test_who_finds_a_drink_sold_out_takes_the_next_best(tally: Tally) -> None:
    accepted = httpx.Response(202, json={"id": "a", "items": [{"recipe": "Negroni"}, {"recipe": "Negroni"}]})
    id, bodies = placed(tally, [refusal("sold_out"), accepted])
    assert "a" == id
    assert ["Mojito", "Negroni"] == [body["items"][0]["recipe"] for body in bodies]
    assert ["rush-1-7", "rush-1-7-2"] == [body["external_id"] for body in bodies]
    assert ("rush-1-7-2", 0) == (tally.orders["a"].mark, tally.turned_away)


@pytest.mark.parametrize("codes", [["sold_out", "sold_out"], ["bar_closed"]])
def test_who_can_have_nothing_leaves(tally: Tally, codes: list[str]) -> None:
    id, bodies = placed(tally, [refusal(code) for code in codes])
    assert (None, len(codes)) == (id, len(bodies))
    assert (1, {}, 0) == (tally.turned_away, tally.orders, tally.unexpected.total())


def test_what_is_needed_and_refused_says_what(tally: Tally) -> None:
    unauthorized = httpx.Response(401, json={"code": "unauthorized"})
    with pytest.raises(Refused, match="POST /login was answered 401 unauthorized"):
        calling(tally, lambda _: unauthorized, lambda caller: caller.need("POST", "/login"))


def test_closing_time_ends_every_pause() -> None:
    async def close() -> None:
        clock = EveningClock(1)
        asyncio.get_running_loop().call_soon(clock.closed.set)
        await clock.spend(3600)

    with pytest.raises(BarClosed):
        asyncio.run(close())


def test_the_bars_clock_goes_past_midnight() -> None:
    assert ["18:00", "23:59", "00:01"] == [time_of_day(60 * minutes) for minutes in (0, 359, 361)]
