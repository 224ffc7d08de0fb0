"""Places at which a test makes a real process fail: killed, hung, or with an error, at just that moment.

A test arms a point by writing a file of its name into the folder FAILPOINTS_DIR; the file holds what to do. Whoever
passes the point first takes the file away and does it, so each file fires once, and its absence shows that it fired.
Production refuses the setting; without it a point costs a comparison.
"""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from uuid import UUID

_folder: Path | None = None


class Failpoint(StrEnum):
    """Every point there is, in the order in which an order passes them."""

    PUBLISH = "before_publish"  # the API has the order, the broker knows nothing of it
    CONFIRM = "before_confirm"  # the broker has confirmed, the request does not know yet
    REPLY = "before_reply"  # the order is safe, the client does not know yet
    INSERT = "before_insert"  # the consumer has a batch, the database knows nothing of it
    COMMIT = "before_commit"  # all is inserted, nothing is committed
    ACK = "before_ack"  # all is committed, the broker does not know yet


class InjectedFailure(Exception):
    """What an armed point raises when its file says `error`: an error that nobody foresaw."""


def enable(folder: Path | None) -> None:
    """Look for armed points in this folder from now on; None turns it off."""
    global _folder  # noqa: PLW0603 - one switch per process, set once at its start
    _folder = folder


def passes(point: Failpoint) -> None:
    """Go on, unless a test has armed this point."""
    if _folder is None:
        return
    armed = _folder / point
    taken = _folder / f"{point}.{os.getpid()}.{time.monotonic_ns()}"
    with suppress(FileNotFoundError):  # the rename is what decides between two that pass at once
        armed.rename(taken)
        action = taken.read_text()
        taken.unlink()
        _fail(action)


def carries(order_ids: Iterable[UUID]) -> None:
    """Die if one of these orders is poison: a file `poison.ID` marks it, and stays, so it kills whoever tries again."""
    if _folder is None:
        return
    if any((_folder / f"poison.{order_id}").exists() for order_id in order_ids):
        _fail("kill")


def _fail(action: str) -> None:
    """Do what the file says: `kill`, `error`, or `hang SECONDS`.

    Raises:
        InjectedFailure: the file says `error`.
        ValueError: it says something else.
    """
    verb, _, seconds = action.strip().partition(" ")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "hang":
        time.sleep(float(seconds))
    elif verb == "error":
        raise InjectedFailure
    else:
        raise ValueError(f"a failpoint can kill, hang or error, not {action!r}")
