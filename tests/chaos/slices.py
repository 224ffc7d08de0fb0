"""Carrying out one slice of a row: load, faults, drain, and the comparison of what was told with what is stored."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from tests.chaos.attempts import Outcome
from tests.chaos.draining import dead_letters, drain
from tests.chaos.house import House
from tests.chaos.ledger import Findings, compare
from tests.chaos.results import SliceResult
from tests.chaos.row import Row, Scene, p99_seconds, share_ok, slowest_seconds

SHOWN_PROBLEMS = 20  # of each slice: a thousand lost orders make no better report than twenty


def run_slice(row: Row, house: House, index: int = 0, tell: Callable[[str], None] = lambda _: None) -> SliceResult:
    """One slice of a row (they count from 0), in a house in which all is well; `tell` is told how far it is.

    Raises:
        ServerError: a server that was broken does not come back.
    """
    began_at = time.monotonic()
    before = {witness.text: witness.read(house) for witness in row.growing}
    scene = _with_guests(row, house, index, tell)
    problems = drain(house)
    for witness in row.growing:
        scene.saw(witness.text, witness.read(house) - before[witness.text])
    findings = compare(house.attempted, house.stored())
    problems += scene.problems + findings.problems + _unwitnessed(row, scene) + _of_the_house(row, house)
    problems += row.check(scene)
    return _result(row, scene, findings, problems[:SHOWN_PROBLEMS], time.monotonic() - began_at)


def _with_guests(row: Row, house: House, index: int, tell: Callable[[str], None]) -> Scene:
    with row.guests(house) as guests:
        size = row.size.slice
        scene = Scene(house, size, guests, tell, earlier_faults=index * size.faults)
        try:
            row.carry_out(scene)
        except AssertionError as error:  # go on: the ledger may tell why
            scene.problems.append(f"broken off: {error}")
            house.mend()
    house.attempted += guests.orders
    return scene


def _unwitnessed(row: Row, scene: Scene) -> list[str]:
    """A witness that saw nothing: then nothing was disturbed, and all that was found proves nothing."""
    silent = [witness.text for witness in row.growing if not scene.witnessed[witness.text]]
    found = [f"no witness: {text}" for text in silent]
    return found if scene.witnessed.total() else [*found, "no witness of any fault"]


def _of_the_house(row: Row, house: House) -> list[str]:
    found = []
    if house.api.exit_code is not None:
        found.append(house.api.failure())
    if (dead := dead_letters(house)) != row.dead_letters:
        found.append(f"the dead queue holds {dead} messages, not {row.dead_letters}")
    return found


def _result(row: Row, scene: Scene, findings: Findings, problems: list[str], seconds: float) -> SliceResult:
    attempts = scene.attempts
    outcomes = Counter(order.outcome for order in scene.orders)
    return SliceResult(
        ended_at=datetime.now(UTC),
        seconds=round(seconds, 1),
        faults=scene.size.faults,
        orders_ok=outcomes[Outcome.OK],
        orders_refused=outcomes[Outcome.FAIL],
        orders_unknown=outcomes[Outcome.INFO],
        requests=len(attempts),
        requests_ok=round(share_ok(attempts) * len(attempts)),
        lost=len(findings.lost),
        duplicated=len(findings.duplicated),
        invented=len(findings.invented),
        slowest_seconds=round(slowest_seconds(attempts), 3),
        p99_seconds=round(p99_seconds(attempts), 3),
        witnesses={what: times for what, times in scene.witnessed.items() if times},
        figures=row.figures(scene),
        problems=problems,
    )


def broken_off(row: Row, error: BaseException, seconds: float) -> SliceResult:
    """What to keep of a slice that could not be brought to its end."""
    return SliceResult(
        ended_at=datetime.now(UTC),
        seconds=round(seconds, 1),
        faults=row.size.slice.faults,
        orders_ok=0,
        orders_refused=0,
        orders_unknown=0,
        requests=0,
        requests_ok=0,
        lost=0,
        duplicated=0,
        invented=0,
        slowest_seconds=0.0,
        p99_seconds=0.0,
        witnesses={},
        figures={},
        problems=[f"broken off: {error!r}"],
    )
