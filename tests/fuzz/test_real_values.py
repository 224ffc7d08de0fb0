"""Real values are put into a copy, and only where a request is as the document wants it."""

from types import SimpleNamespace
from typing import Any, cast

import httpx
from schemathesis import Case

from tests.fuzz import real_values
from tests.fuzz.callers import Nobody, Person
from tests.fuzz.real_values import RealValues
from tests.fuzz.target import Target
from tests.support.bar import DEMO_PASSWORD


def values() -> RealValues:
    """Those that need nobody to be asked."""
    return RealValues(cast("Target", None), Nobody(cast("httpx.Client", None)), cast("Person", None), seed=1)


def case_of(body: Any, *, positive: bool = True) -> Case[Any]:
    meta = SimpleNamespace(generation=SimpleNamespace(mode=SimpleNamespace(is_positive=positive)))
    operation = SimpleNamespace(label="POST /register")
    parts: dict[str, Any] = {"path_parameters": {}, "query": {}, "headers": {}, "cookies": {}, "body": body}
    return cast("Case[Any]", SimpleNamespace(operation=operation, meta=meta, **parts))


def test_a_name_means_the_same_wherever_it_stands(monkeypatch: Any) -> None:
    monkeypatch.setattr(real_values, "SHARE", 1)
    made_up = {"password": "x", "more": [{"old_password": "y", "note": "stays"}]}
    case = case_of(made_up)
    values().put_into(case)
    assert {"password": DEMO_PASSWORD, "more": [{"old_password": DEMO_PASSWORD, "note": "stays"}]} == case.body
    assert {"password": "x", "more": [{"old_password": "y", "note": "stays"}]} == made_up


def test_a_name_of_one_operation_comes_before_the_name_alone(monkeypatch: Any) -> None:
    monkeypatch.setattr(real_values, "SHARE", 1)
    first, second = case_of({"email": "x"}), case_of({"email": "x"})
    for case in (first, second):
        values().put_into(case)
    assert first.body != second.body  # `POST /register email`: one that nobody has


def test_what_is_wrong_on_purpose_stays_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(real_values, "SHARE", 1)
    case = case_of({"password": "x"}, positive=False)
    values().put_into(case)
    assert {"password": "x"} == case.body
