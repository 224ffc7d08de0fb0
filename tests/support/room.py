"""Room for the tests of several processes: for many beside each other, or for one alone."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def room(folder: Path, *, alone: bool) -> Iterator[None]:
    """Be in the room that all processes mean by this folder. Who waits to be alone is not kept waiting by newcomers."""
    with (folder / "room.door").open("a") as door, (folder / "room.floor").open("a") as floor:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(floor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
