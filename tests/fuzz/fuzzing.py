"""One caller's requests: made up by schemathesis, sent, checked and counted."""

import time
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import schemathesis
from schemathesis import APIOperation, AuthContext, Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.engine import StopReason, events, from_schema

from shakerqueue.api.fields import is_whole_number
from shakerqueue.api.schemas import MAX_WAIT_SECONDS
from tests.fuzz.callers import Caller, Security
from tests.fuzz.exclusions import reason_for
from tests.fuzz.real_values import RealValues
from tests.fuzz.results import OTHER_METHODS, CallerResult, Violation, operation_counts
from tests.fuzz.target import Target

CONFIG = Path(__file__).with_name("schemathesis.toml")
PHASES = ("examples", "coverage", "fuzzing", "stateful")
USED_UP = (401, 429)  # what a caller is told whose rights or attempts are gone
WHO_MAY = "who may"  # a check of ours: schemathesis knows nothing of roles
Progress = Callable[[str], None]
Hook = TypeVar("Hook", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much one caller asks: the phases of schemathesis, and the random requests for each operation."""

    phases: tuple[str, ...] = PHASES
    examples: int = 20


SMALL = Size(phases=("examples", "fuzzing"), examples=1)


class Fuzzing:
    """One caller's run against the API."""

    def __init__(self, target: Target, caller: Caller, values: RealValues, *, seed: int, size: Size) -> None:
        self._caller = caller
        self._values = values
        self._answers: Counter[tuple[str, int]] = Counter()
        self._excluded: Counter[str] = Counter()
        self._violations: dict[tuple[str, ...], Violation] = {}
        self._began_anew = 0
        self._schema = schemathesis.openapi.from_url(f"{target.url}/openapi.json", config=configuration(seed, size))
        self._install_hooks()

    def run(self, progress: Progress) -> CallerResult:
        """Send everything; `progress` is told of each phase."""
        began = time.monotonic()
        for event in from_schema(self._schema).execute():
            self._note(event)
            if isinstance(event, events.PhaseFinished) and event.phase.name.value in PHASES and event.phase.is_enabled:
                progress(f"{self._caller.name:<9} {event.phase.name.value:<9} {self._so_far()}")
        return CallerResult(
            caller=self._caller.name,
            seconds=time.monotonic() - began,
            operations=operation_counts(self._answers),
            violations=list(self._violations.values()),
            excluded=dict(self._excluded),
            began_anew=self._began_anew,
        )

    def _so_far(self) -> str:
        return f"{self._answers.total():6,} requests, {len(self._violations)} violations"

    def _install_hooks(self) -> None:
        """Register what schemathesis calls. It takes functions only, so each leads to a method."""
        hook = cast("Callable[[Hook], Hook]", self._schema.hook)

        @hook
        def map_case(_: HookContext, case: Case[Any]) -> Case[Any]:
            hold_no_answer(case)
            self._values.put_into(case)
            return case

        @hook
        def after_call(_: HookContext, case: Case[Any], response: Response) -> None:
            self._count(case, response)

        @hook
        def filter_failure(_: HookContext, failure: Failure, case: Case[Any], response: Response) -> bool:
            return self._is_failure(failure, case, response)

        @self._schema.auth(refresh_interval=None)
        class Credentials:
            """Asked for each request: the caller may have begun anew."""

            def get(_, __: Case[Any], ___: AuthContext) -> dict[str, str]:  # noqa: N805 - `self` is the run
                return self._caller.headers

            def set(_, case: Case[Any], headers: dict[str, str], __: AuthContext) -> None:  # noqa: N805
                case.headers.update(headers)

    def _count(self, case: Case[Any], response: Response) -> None:
        operation = case.operation
        asked = operation.label if response.request.method == operation.method.upper() else OTHER_METHODS
        self._answers[asked, response.status_code] += 1
        if asked != OTHER_METHODS and response.status_code < 300 and not self._caller.may(_security(operation)):
            self._violate(asked, WHO_MAY, "The document does not let this caller in.", response.status_code)
        if response.status_code in USED_UP and self._asked_as_caller(response):
            self._caller.begin_anew()
            self._began_anew += 1

    def _asked_as_caller(self, response: Response) -> bool:
        """Whether it was the caller who asked: checks ask without credentials, or with false ones, as well."""
        headers = self._caller.headers
        return bool(headers) and headers.items() <= dict(response.request.headers).items()

    def _is_failure(self, failure: Failure, case: Case[Any], response: Response) -> bool:
        reason = reason_for(failure, case, response)
        if reason is not None:
            self._excluded[reason] += 1
        return reason is None

    def _note(self, event: events.EngineEvent) -> None:
        """Keep what went wrong, whatever the engine calls it."""
        match event:
            case events.ScenarioFinished():
                self._note_scenario(event)
            case events.NonFatalError():
                self._violate(event.label, "no answer", event.info.message)
            case events.FatalError():
                self._violate("all", "the engine failed", repr(event.exception))
            case events.EngineFinished() if event.stop_reason is not StopReason.COMPLETED or event.failures:
                self._violate("all", f"the run ended: {event.stop_reason}", str(event.failures))

    def _note_scenario(self, event: events.ScenarioFinished) -> None:
        recorder = event.recorder
        for case_id, checks in recorder.checks.items():
            for check in checks:
                if found := check.failure_info:
                    response = recorder.find_response(case_id=found.failure.case_id or case_id)
                    status = response.status_code if response else None
                    says = f"{found.failure.title}: {found.failure.message}"
                    self._violate(
                        recorder.cases[case_id].value.operation.label, check.name, says, status, found.code_sample
                    )

    def _violate(self, operation: str, check: str, says: str, status: int | None = None, curl: str = "") -> None:
        """Count a failure; the first of its kind is the one that is shown."""
        kind = (operation, check, says.partition("\n")[0], str(status))
        shown = self._violations.get(kind) or Violation(
            operation=operation, check=check, says=says, status=status, curl=curl, times=0
        )
        self._violations[kind] = msgspec.structs.replace(shown, times=shown.times + 1)


def _security(operation: APIOperation[Any, Any, Any, Any]) -> Security:
    """What the document asks of whoever asks."""
    needs: Security = operation.definition.raw["security"]
    return needs


def configuration(seed: int, size: Size) -> schemathesis.Config:
    """What stands in `schemathesis.toml`, with this seed and size."""
    settings = tomllib.loads(CONFIG.read_text("utf-8"))
    settings["seed"] = seed
    settings["phases"] = {phase: {"enabled": phase in size.phases} for phase in PHASES}
    settings["generation"]["max-examples"] = size.examples
    return schemathesis.Config.from_dict(settings)


def hold_no_answer(case: Case[Any]) -> None:
    """Ask for each answer at once: a `?wait=30` would cost half a minute, and is tested where something can happen.

    What is no number of seconds, or too many, stays: it has to be refused.
    """
    wait = str(case.query.get("wait", ""))
    if is_whole_number(wait) and int(wait) <= MAX_WAIT_SECONDS:
        case.query["wait"] = 0
