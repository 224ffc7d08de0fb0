"""The ledger finds each way in which what is stored can differ from what was promised."""

import pytest

from tests.chaos.attempts import Attempt, AttemptedOrder, Outcome, Trouble
from tests.chaos.ledger import StoredOrder, bound_95, compare

GUEST = "a guest"


def answered(status: int | None, order_id: str | None = None) -> Attempt:
    trouble = Trouble.RESET if status is None else None
    return Attempt(began_at=1.0, ended_at=1.5, status=status, order_id=order_id, trouble=trouble)


def attempted(*attempts: Attempt, key: str | None = "k1", drinks: int = 2, mark: str = "m1") -> AttemptedOrder:
    return AttemptedOrder(
        principal_id=GUEST, key=key, recipe="Negroni", drinks=drinks, mark=mark, attempts=list(attempts)
    )


def stored(
    id: str = "o1",
    *,
    key: str = "k1",
    mark: str = "m1",
    drinks: int = 2,
    placed_events: int = 1,
    error: str | None = None,
    principal_id: str = GUEST,
) -> StoredOrder:
    return StoredOrder(id, principal_id, key, mark, error, drinks, placed_events)


ACCEPTED = attempted(answered(202, "o1"))


def found(order: AttemptedOrder, *rows: StoredOrder) -> dict[str, int]:
    findings = compare([order], rows)
    counts = {
        "lost": len(findings.lost),
        "duplicated": len(findings.duplicated),
        "invented": len(findings.invented),
        "contradicted": len(findings.contradicted),
    }
    assert sum(counts.values()) == len(findings.problems)
    return {kind: count for kind, count in counts.items() if count}


def test_what_was_accepted_and_is_stored_once_is_fine() -> None:
    assert {} == found(ACCEPTED, stored())


@pytest.mark.parametrize("status", [None, 500, 503])
def test_an_unknown_outcome_may_be_stored_or_not(status: int | None) -> None:
    unknown = attempted(answered(status))
    assert Outcome.INFO is unknown.outcome
    assert {} == found(unknown)
    assert {} == found(unknown, stored())


def test_an_accepted_order_that_is_not_there_is_lost() -> None:
    assert {"lost": 1} == found(ACCEPTED)


def test_a_drink_or_an_event_too_few_is_lost() -> None:
    assert {"lost": 1} == found(ACCEPTED, stored(drinks=1))
    assert {"lost": 1} == found(ACCEPTED, stored(placed_events=0))


def test_a_second_row_is_a_duplicate() -> None:
    assert {"duplicated": 1, "contradicted": 1} == found(ACCEPTED, stored(), stored("o2", key="another"))
    assert {"duplicated": 2} == found(ACCEPTED, stored(), stored("o2"))  # of the order and of its key


def test_a_second_row_of_an_order_without_a_key_is_a_duplicate() -> None:
    without_key = attempted(answered(202, "o1"), key=None)
    assert {"duplicated": 1} == found(without_key, stored(key="made-1"), stored("o2", key="made-2"))


def test_a_drink_or_an_event_too_many_is_a_duplicate() -> None:
    assert {"duplicated": 1} == found(ACCEPTED, stored(drinks=3))
    assert {"duplicated": 1} == found(ACCEPTED, stored(placed_events=2))


def test_a_row_that_nobody_asked_for_is_invented() -> None:
    assert {"invented": 1} == found(ACCEPTED, stored(), stored("o9", key="k9", mark="m9"))


def test_a_stored_order_of_which_every_attempt_was_refused_is_invented() -> None:
    assert {"invented": 1} == found(attempted(answered(422), answered(409)), stored())
    assert {} == found(attempted(answered(422), answered(None)), stored())


def test_two_ids_for_one_key_contradict_each_other() -> None:
    assert {"contradicted": 1, "lost": 1} == found(attempted(answered(202, "o1"), answered(202, "o2")), stored())


def test_an_accepted_order_that_is_stored_as_refused_contradicts_its_answer() -> None:
    assert {"contradicted": 1} == found(ACCEPTED, stored(error="idempotency_conflict"))


def test_an_order_that_is_stored_for_somebody_else_contradicts_its_answer() -> None:
    assert {"contradicted": 1} == found(ACCEPTED, stored(principal_id="another guest"))


def test_a_clean_run_bounds_the_true_rate() -> None:
    assert 1.0 == bound_95(0)
    assert pytest.approx(0.95) == bound_95(1)
    assert pytest.approx(0.0582, abs=1e-4) == bound_95(50)
    assert pytest.approx(3 / 10_000, rel=0.01) == bound_95(10_000)  # the rule of three
