"""What excuses a failure is narrow: an answer that breaks another rule, or is no refusal at all, stays one."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from requests import PreparedRequest
from schemathesis import Case, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

from tests.fuzz.exclusions import reason_for
from tests.fuzz.fuzzing import hold_no_answer

REJECTED = RejectedPositiveData(operation="", message="", status_code=422, allowed_statuses=[])
ACCEPTED = AcceptedNegativeData(operation="", message="", status_code=200, expected_statuses=[])
CURSOR = {"field": "cursor", "code": "invalid", "detail": "This is no cursor of this list; take it from next_cursor."}
TOO_LONG = {"field": "note", "code": "invalid", "detail": "Longer than maximum length 500."}


def case_of(operation: str = "GET /orders", **query: Any) -> Case[Any]:
    return cast("Case[Any]", SimpleNamespace(operation=SimpleNamespace(label=operation), query=query))


def answer(status: int, body: object) -> Response:
    return Response(
        status_code=status,
        headers={"content-type": ["application/json"]},
        content=json.dumps(body).encode(),
        request=PreparedRequest(),
        elapsed=0.1,
        verify=False,
    )


@pytest.mark.parametrize(
    ("failure", "status", "errors", "is_excused"),
    [
        (REJECTED, 422, [CURSOR], True),
        (REJECTED, 422, [CURSOR, TOO_LONG], False),
        (REJECTED, 422, [TOO_LONG], False),
        (REJECTED, 422, [], False),
        (REJECTED, 400, [CURSOR], False),
        (REJECTED, 500, [CURSOR], False),
        (ACCEPTED, 422, [CURSOR], False),
        (Failure(operation="", message=""), 422, [CURSOR], False),
    ],
)
def test_a_refusal_is_excused_by_rules_that_no_schema_says(
    failure: Failure, status: int, errors: list[dict[str, str]], is_excused: bool
) -> None:
    assert is_excused == (reason_for(failure, case_of(), answer(status, {"errors": errors})) is not None)


@pytest.mark.parametrize(
    ("operation", "statuses", "is_excused"),
    [
        ("POST /orders/batch", [202, 422], True),
        ("POST /orders/batch", [202, 409], False),
        ("POST /orders", [422], False),
    ],
)
def test_a_batch_may_take_what_is_wrong_if_it_refuses_a_part(
    operation: str, statuses: list[int], is_excused: bool
) -> None:
    body = {"orders": [{"status": status} for status in statuses]}
    assert is_excused == (reason_for(ACCEPTED, case_of(operation), answer(200, body)) is not None)


@pytest.mark.parametrize(("given", "sent"), [(29, 0), ("30", 0), (31, 31), ("soon", "soon"), (-1, -1)])
def test_only_a_wait_that_would_be_granted_is_shortened(given: object, sent: object) -> None:
    case = case_of(wait=given)
    hold_no_answer(case)
    assert {"wait": sent} == case.query
