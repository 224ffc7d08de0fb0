"""One operation of the document: what Flask's rule, the view's guard, schemas, docstring and contract say together."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from inspect import cleandoc
from typing import Any, NamedTuple

from werkzeug.routing import Rule

from shakerqueue.api.cookies import SAFE_METHODS
from shakerqueue.api.guards import GUARD_ATTRIBUTE, OWN_PAGES_ATTRIBUTE
from shakerqueue.api.openapi.contracts import Contract, contract_of
from shakerqueue.api.openapi.examples import outcome_examples
from shakerqueue.api.openapi.headers import answered_with, sometimes_answered_with, taken
from shakerqueue.api.openapi.problem_codes import PROBLEM_CODES, example_of
from shakerqueue.api.openapi.security import allowed_roles, allowed_scopes, requirements
from shakerqueue.api.problems import PROBLEM_TYPE
from shakerqueue.api.rate_limits import HEADERS, is_counted
from shakerqueue.roles import EVERYONE, PEOPLE

View = Callable[..., Any]
Operation = dict[str, Any]

END_OF_SENTENCE = re.compile(r"\.(?=\s|$)")
USUAL_HEADERS = ["X-Request-Id", *HEADERS]
# What an answer of a status always has besides.
HEADERS_OF_STATUS = {
    304: ["ETag"],
    401: ["WWW-Authenticate"],
    405: ["Allow"],
    429: ["Retry-After"],
    503: ["Retry-After"],
}
HEADERS_OF_CODE = {"not_persisted_yet": ["Retry-After"], "insufficient_scope": ["WWW-Authenticate"]}


class Endpoint(NamedTuple):
    """Where an operation is found in the code."""

    rule: Rule
    method: str
    view: View

    @property
    def contract(self) -> Contract:
        return contract_of(self.view)


def complete(operation: Operation, endpoint: Endpoint) -> Operation:
    """The operation that flask-smorest has described by its schemas, with all that belongs to it besides."""
    declared = {
        status: _with_usual_headers(_with_outcomes(answer, endpoint.contract.outcomes), status, endpoint)
        for status, answer in operation["responses"].items()
        if "$ref" not in answer  # flask-smorest's own idea of an error
    }
    return {
        "operationId": endpoint.view.__name__,
        **_texts(endpoint.view),
        "tags": operation["tags"],
        "security": requirements(endpoint.view),
        **_parameters(operation, endpoint),
        **({"requestBody": operation["requestBody"]} if "requestBody" in operation else {}),
        "responses": dict(sorted({**_problems(operation, endpoint), **declared}.items())),
    }


def problem_response(status: int, codes: list[str]) -> dict[str, Any]:
    """An error as it stands in the document: its codes in words, and an example of each."""
    return {
        "description": "\n".join(_in_words(codes)),
        "headers": _problem_headers(status, codes),
        "content": {
            PROBLEM_TYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {code: {"value": example_of(code)} for code in codes},
            }
        },
    }


def _in_words(codes: Iterable[str]) -> list[str]:
    return [f"- `{code}`: {PROBLEM_CODES[code].means}" for code in codes]


def _problem_headers(status: int, codes: list[str]) -> dict[str, Any]:
    """Those that every error of the status has, and those that only some of its codes have."""
    of_codes = [set(HEADERS_OF_CODE.get(code, [])) for code in codes]
    always = sorted(set.intersection(*of_codes))
    sometimes = sorted(set.union(*of_codes).difference(always))
    return {
        **answered_with([*USUAL_HEADERS, *HEADERS_OF_STATUS.get(status, []), *always]),
        **sometimes_answered_with(sometimes),
    }


def _texts(view: View) -> dict[str, str]:
    """The docstring: its first sentence, and all of it with who may."""
    said = "\n\n".join(" ".join(part.split()) for part in cleandoc(view.__doc__ or "").split("\n\n"))
    roles, scopes = allowed_roles(view), allowed_scopes(view)
    may = [f"`{role}`" for role in roles or []] + [f"an API key with `{scope}`" for scope in scopes or []]
    who = "Anyone may." if roles is None else f"Who may: {', '.join(may)}."
    return {"summary": END_OF_SENTENCE.split(said)[0], "description": f"{said}\n\n{who}"}


def _parameters(operation: Operation, endpoint: Endpoint) -> dict[str, Any]:
    headers = [*endpoint.contract.takes, *(["Sec-Fetch-Site"] if _is_own_pages(endpoint) else [])]
    parameters = [*operation.get("parameters", []), *taken(headers)]
    return {"parameters": parameters} if parameters else {}


def _with_usual_headers(answer: dict[str, Any], status: str, endpoint: Endpoint) -> dict[str, Any]:
    usual = USUAL_HEADERS if is_counted(endpoint.view) else ["X-Request-Id"]
    headers = answered_with([*usual, *HEADERS_OF_STATUS.get(int(status), [])])
    return {**answer, "headers": {**headers, **answer.get("headers", {})}}


def _with_outcomes(answer: dict[str, Any], codes: tuple[str, ...]) -> dict[str, Any]:
    """An answer that tells of several things: with the codes of those that failed, and an example of each."""
    if not codes:
        return answer
    [(media_type, content)] = answer["content"].items()
    said = f"{answer['description']}. What failed has one of these codes:"
    return {
        **answer,
        "description": "\n".join([said, "", *_in_words(codes)]),
        "content": {media_type: {**content, "examples": outcome_examples(codes)}},
    }


def _problems(operation: Operation, endpoint: Endpoint) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys((*_usual_codes(operation, endpoint), *endpoint.contract.fails)):
        by_status[PROBLEM_CODES[code].status].append(code)
    return {str(status): _shared(codes) or problem_response(status, codes) for status, codes in by_status.items()}


def _shared(codes: list[str]) -> dict[str, str] | None:
    """Most errors are the same everywhere, and stand in the document once."""
    return {"$ref": f"#/components/responses/{codes[0]}"} if len(codes) == 1 else None


def _usual_codes(operation: Operation, endpoint: Endpoint) -> Iterator[str]:
    """What follows from what an operation is."""
    roles = getattr(endpoint.view, GUARD_ATTRIBUTE)
    if roles is not None:
        yield "unauthorized"
    if roles not in (None, EVERYONE):
        yield from _refusals(endpoint.view)
    if (roles is not None and endpoint.method not in SAFE_METHODS) or _is_own_pages(endpoint):
        yield "cross_origin"
    if endpoint.rule.arguments:
        yield "not_found"
    if "requestBody" in operation:
        yield from ("bad_request", "body_too_large", "unsupported_media_type")
    yield "invalid"  # every operation refuses query parameters that it does not know
    if is_counted(endpoint.view):
        yield "too_many_requests"
    if not endpoint.contract.needs_nothing:
        yield "unavailable"


def _refusals(view: View) -> Iterator[str]:
    """Why somebody whom we know may not."""
    takes_keys = allowed_scopes(view) is not None
    if getattr(view, GUARD_ATTRIBUTE) != PEOPLE or not takes_keys:
        yield "forbidden"
    if takes_keys:
        yield "insufficient_scope"


def _is_own_pages(endpoint: Endpoint) -> bool:
    return hasattr(endpoint.view, OWN_PAGES_ATTRIBUTE)
