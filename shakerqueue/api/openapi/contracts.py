"""What a view declares of its contract, beyond what its guard, its schemas and its path say already."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from marshmallow import Schema

View = TypeVar("View", bound=Callable[..., Any])
CONTRACT_ATTRIBUTE = "shakerqueue_contract"


class Contract(NamedTuple):
    takes: tuple[str, ...] = ()  # headers of the request
    fails: tuple[str, ...] = ()  # codes of problems
    outcomes: tuple[str, ...] = ()  # codes of errors that a good answer may hold
    or_answers: tuple[type[Schema], ...] = ()  # what a good answer may be instead
    needs_nothing: bool = False  # answers though every other part is away


def contract(
    *,
    takes: Iterable[str] = (),
    fails: Iterable[str] = (),
    outcomes: Iterable[str] = (),
    or_answers: Iterable[type[Schema]] = (),
    needs_nothing: bool = False,
) -> Callable[[View], View]:
    """Declare the headers that a view reads, the errors of its own, and other forms of its good answer."""

    def decorate(view: View) -> View:
        said = Contract(tuple(takes), tuple(fails), tuple(outcomes), tuple(or_answers), needs_nothing)
        setattr(view, CONTRACT_ATTRIBUTE, said)
        return view

    return decorate


def contract_of(view: Callable[..., Any]) -> Contract:
    found: Contract = getattr(view, CONTRACT_ATTRIBUTE, Contract())
    return found
