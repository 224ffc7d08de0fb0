"""What a run gave, kept in `.local/fuzz/` for the report."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from bench.results import Machine
from dev.state import CLONE

FILE = CLONE / ".local" / "fuzz" / "last.json"
CLASSES = ("2xx", "3xx", "4xx", "5xx")
OTHER_METHODS = "other methods"  # than those of a path; OPTIONS is answered 200, any other one 405


class OperationCount(msgspec.Struct, frozen=True):
    """How an operation's requests were answered: how many by class of status."""

    operation: str  # "GET /menu"
    by_class: dict[str, int]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of failure of one operation, and a request that shows it."""

    operation: str
    check: str
    says: str
    status: int | None  # None: no answer
    curl: str
    times: int


class CallerResult(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of caller's requests. `excluded` counts failures that are none, by their reason."""

    caller: str
    seconds: float
    operations: list[OperationCount]
    violations: list[Violation]
    excluded: dict[str, int]
    began_anew: int

    @property
    def requests(self) -> int:
        return sum(self.by_class.values())

    @property
    def by_class(self) -> Counter[str]:
        return added_up(count.by_class for count in self.operations)


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run."""

    ended_at: datetime
    command: str
    seed: int
    schemathesis: str  # its version
    product: str  # a digest of the product's sources
    machine: Machine
    callers: list[CallerResult]

    @property
    def requests(self) -> int:
        return sum(caller.requests for caller in self.callers)

    @property
    def by_class(self) -> Counter[str]:
        return added_up(caller.by_class for caller in self.callers)

    @property
    def seconds(self) -> float:
        return sum(caller.seconds for caller in self.callers)

    @property
    def violations(self) -> list[Violation]:
        return [violation for caller in self.callers for violation in caller.violations]

    @property
    def passed(self) -> bool:
        return not self.violations and not self.by_class["5xx"]

    def never_successful(self) -> list[str]:
        """The operations that no caller ever got a 2xx from."""
        found: dict[str, int] = {}
        for caller in self.callers:
            for count in caller.operations:
                found[count.operation] = found.get(count.operation, 0) + count.by_class.get("2xx", 0)
        return sorted(operation for operation, times in found.items() if not times)


def operation_counts(answers: Mapping[tuple[str, int], int]) -> list[OperationCount]:
    """From how often each operation gave each status; by operation."""
    by_class: Counter[tuple[str, str]] = Counter()
    for (operation, status), times in answers.items():
        by_class[operation, f"{status // 100}xx"] += times
    return _by_operation(by_class)


def merged(first: CallerResult, second: CallerResult) -> CallerResult:
    """Two runs of one caller as one."""
    answers: Counter[tuple[str, str]] = Counter()
    for count in (*first.operations, *second.operations):
        answers.update({(count.operation, group): times for group, times in count.by_class.items()})
    return CallerResult(
        caller=first.caller,
        seconds=first.seconds + second.seconds,
        operations=_by_operation(answers),
        violations=[*first.violations, *second.violations],
        excluded=dict(added_up([first.excluded, second.excluded])),
        began_anew=first.began_anew + second.began_anew,
    )


def _by_operation(answers: Mapping[tuple[str, str], int]) -> list[OperationCount]:
    names = sorted({operation for operation, _ in answers})
    return [OperationCount(name, {group: answers.get((name, group), 0) for group in CLASSES}) for name in names]


def added_up(counts: Iterable[dict[str, int]]) -> Counter[str]:
    """The sums by class."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return total


def read() -> RunResult | None:
    """The last run; None when there was none."""
    return msgspec.json.decode(FILE.read_bytes(), type=RunResult) if FILE.exists() else None


def write(result: RunResult) -> None:
    FILE.parent.parent.mkdir(mode=0o700, exist_ok=True)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
