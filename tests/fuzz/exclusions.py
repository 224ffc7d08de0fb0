"""Where a check finds fault with an answer that is right: each such place with its reason, and as narrow as it goes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemathesis import Case, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

# What docs/compatibility.md lists: what the menu, the clock, a secret or two fields together decide. By `code` and
# `detail` of an answer's errors.
RULES_BEYOND_SCHEMAS = tuple(
    (code, re.compile(detail))
    for code, detail in [
        ("unknown_recipe", "There is no .* on the menu"),
        ("unknown_integration", "There is no such integration"),
        ("target_refused", ""),
        ("idempotency_conflict", "This key stands for another order"),
        ("wrong_password", "This is not the password"),
        ("wrong_pin", "This is not the PIN"),
        ("invalid", "This is no cursor of this list"),
        ("invalid", "At most 100 drinks in one order"),
        ("invalid", "Too easy to guess"),
        ("invalid", "Only printable characters, and no space around them"),
        ("invalid", "Listed twice"),
        ("invalid", "A time in the future"),
        ("invalid", "A time within the year to come|After it closes|The bar is closed already|A bar that never closes"),
        ("invalid", "The window begins after it ends|At most 366 days|Must be .* than or equal to [0-9]{4}-"),
    ]
)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A kind of failure that is none where `applies`."""

    failure: type[Failure]
    reason: str
    applies: Callable[[Case[Any], Response], bool]


def breaks_only_such_rules(_: Case[Any], response: Response) -> bool:
    """Whether the answer names broken rules, and each is one that no JSON Schema says."""
    if response.status_code != 422:
        return False
    errors = response.json()["errors"]
    return bool(errors) and all(_is_beyond_schemas(error) for error in errors)


def _is_beyond_schemas(error: dict[str, str]) -> bool:
    return any(code == error["code"] and detail.match(error["detail"]) for code, detail in RULES_BEYOND_SCHEMAS)


def refuses_in_part(case: Case[Any], response: Response) -> bool:
    """Whether a batch was taken, and one of its orders refused as it would have been alone."""
    if case.operation.label != "POST /orders/batch" or response.status_code != 200:
        return False
    return any(one["status"] == 422 for one in response.json()["orders"])


EXCLUSIONS = (
    Exclusion(
        RejectedPositiveData,
        "a rule that JSON Schema cannot say (docs/compatibility.md) refused what fits the schema",
        breaks_only_such_rules,
    ),
    Exclusion(
        AcceptedNegativeData,
        "a batch is answered 200 and refuses the orders in it one by one",
        refuses_in_part,
    ),
)


def reason_for(failure: Failure, case: Case[Any], response: Response) -> str | None:
    """Why this failure is none; None where it is one."""
    for exclusion in EXCLUSIONS:
        if isinstance(failure, exclusion.failure) and exclusion.applies(case, response):
            return exclusion.reason
    return None
