"""What a piece of code costs, in calls: the same figure on every machine, busy or not, as no time is.

Counted are the calls of Python functions and of builtins, in the calling thread. What a builtin does inside is not
seen, nor is a class of C that is called, nor a longer expression; but what makes a hot path markedly costlier is nearly
always that it calls more.
"""

import sys
from collections import Counter
from collections.abc import Callable
from math import inf
from types import FrameType
from typing import Any, NamedTuple

from dev.state import CLONE

FOLDER = CLONE / ".local" / "costs"
ROUNDS = 5
SHOWN = 12

STATEMENT = "psycopg.cursor.Cursor.execute"

Calls = Counter[str]


class Cost(NamedTuple):
    """Statements that the database is sent, and calls of Python functions and of builtins."""

    statements: float
    calls: float = inf  # not guarded where it depends on what is stored


def calls_of(action: Callable[[], object]) -> Calls:
    """The calls that an action makes, by function. It is run once before, and then the cheapest of a few runs counts.

    So what is only done now and then, such as a cache that is filled, is not in it.
    """
    action()
    return min((_counted(action) for _ in range(ROUNDS)), key=Counter.total)


def _counted(action: Callable[[], object]) -> Calls:
    calls: Calls = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"] += 1
        elif event == "c_call":
            calls[f"{argument.__module__ or ''}.{argument.__qualname__}"] += 1

    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def assert_allowed(name: str, calls: Calls, allowed: Cost) -> None:
    """Write the calls down, and compare with what is allowed.

    Raises:
        AssertionError: it costs more; says where to look, and what to do.
    """
    FOLDER.parent.mkdir(mode=0o700, exist_ok=True)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name.replace(' ', '-')}.txt"
    path.write_text("".join(f"{count:8} {function}\n" for function, count in sorted(calls.items())))
    cost = Cost(calls=round(calls.total(), 2), statements=calls[STATEMENT])
    assert cost.calls <= allowed.calls, _told(name, cost, allowed, calls)
    assert cost.statements <= allowed.statements, _told(name, cost, allowed, calls)


def _told(name: str, cost: Cost, allowed: Cost, calls: Calls) -> str:
    most = "\n".join(f"{count:8} {function}" for function, count in calls.most_common(SHOWN))
    return f"""\
{name} costs {cost.calls} calls and {cost.statements} statements;
{allowed.calls} and {allowed.statements} are allowed. Most of the calls are of
{most}
All of them are listed in {FOLDER.relative_to(CLONE)}. To see what has changed, keep that folder, run the same test on
the commit before, and compare the two with diff. If the change is worth its cost, raise the figure in ALLOWED of
tests/integration/test_costs.py, and say in the commit what it buys."""
