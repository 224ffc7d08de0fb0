"""The report counts every request, and hides no failure."""

from datetime import UTC, datetime

from bench.results import Machine
from tests.fuzz.__main__ import USUAL_REQUESTS, Order, ordered
from tests.fuzz.fuzzing import SMALL, Size
from tests.fuzz.report import failures, overview, section, table
from tests.fuzz.results import CallerResult, RunResult, Violation, merged, operation_counts

MACHINE = Machine(cpu="A CPU", cores=2, memory_gib=3.8, system="A system", python="3.11.2", load_average=0.1)
VIOLATION = Violation(
    operation="GET /menu",
    check="not_a_server_error",
    says="Server error: it failed\nat length",
    status=500,
    curl="curl http://bar/menu",
    times=3,
)


def result_of(answers: dict[tuple[str, int], int], *violations: Violation) -> CallerResult:
    return CallerResult(
        caller="customer",
        seconds=2.0,
        operations=operation_counts(answers),
        violations=list(violations),
        excluded={"a reason": 2},
        began_anew=1,
    )


def run_of(*callers: CallerResult) -> RunResult:
    return RunResult(
        ended_at=datetime(2026, 1, 2, tzinfo=UTC),
        command="make fuzz SEED=7 REQUESTS=3",
        seed=7,
        schemathesis="4.0.0",
        product="0123abcd",
        machine=MACHINE,
        callers=list(callers),
    )


CLEAN = result_of({("GET /menu", 200): 1_000, ("GET /menu", 304): 1, ("POST /orders", 422): 20})


def test_requests_are_added_up_by_class_of_status() -> None:
    both = run_of(CLEAN, CLEAN)
    assert (2_042, 2_000, 40) == (both.requests, both.by_class["2xx"], both.by_class["4xx"])
    assert "| customer | 1,021 | 1,000 | 1 | 20 | 0 | 0 | 2 |" in overview(both)
    assert "| all | 2,042 | 2,000 | 2 | 40 | 0 | 0 | 4 |" in overview(both)
    assert "customer  POST /orders      0    0   20    0" in table(both)


def test_another_round_of_a_caller_is_added_to_the_first() -> None:
    failed = result_of({("GET /menu", 500): 1}, VIOLATION)
    assert (1_022, 1, [VIOLATION], {"a reason": 4}) == (
        merged(CLEAN, failed).requests,
        merged(CLEAN, failed).by_class["5xx"],
        merged(CLEAN, failed).violations,
        merged(CLEAN, failed).excluded,
    )


def test_a_run_passes_without_violations_and_without_a_5xx() -> None:
    assert run_of(CLEAN).passed
    assert not run_of(CLEAN, result_of({("GET /menu", 200): 1}, VIOLATION)).passed
    assert not run_of(CLEAN, result_of({("GET /menu", 503): 1})).passed


def test_a_failure_is_shown_with_a_request_that_repeats_it() -> None:
    failed = run_of(result_of({("GET /menu", 500): 3}, VIOLATION))
    [shown] = failures(failed)
    assert "FAILED customer, GET /menu, not_a_server_error, status 500, 3 times" in shown
    assert "curl http://bar/menu" in shown
    assert "- **failed** as customer: GET /menu, not_a_server_error: Server error: it failed" in section(failed)


def test_the_document_says_what_was_excused_and_what_never_succeeded() -> None:
    text = section(run_of(CLEAN, CLEAN))
    assert "- 4 findings that are none: a reason" in text
    assert "- operations that never gave a 2xx: POST /orders" in text
    assert "`make fuzz SEED=7 REQUESTS=3`" in text


def test_the_size_of_a_run_is_chosen_by_the_environment() -> None:
    assert Order(7, 50, Size()) == ordered({"SEED": "7", "REQUESTS": "50"})
    assert USUAL_REQUESTS == ordered({}).requests
    assert SMALL == ordered({"SMALL": "1"}).size


def test_a_command_makes_the_same_run_again() -> None:
    assert "make fuzz SEED=7 REQUESTS=50" == Order(7, 50, Size()).command
    assert "make fuzz SEED=7 REQUESTS=1 SMALL=1" == Order(7, 1, SMALL).command
