"""Where the display goes: onto the whole terminal, or line by line to wherever there is none."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live

from dev.rush.display import line, screen
from dev.rush.view import View

FRAME_SECONDS = 0.25
LINE_SECONDS = 5.0


class Show(Protocol):
    """`seconds` is how long one view stands."""

    seconds: float

    def show(self, view: View) -> None: ...


class OnTerminal:
    """The display, redrawn in place."""

    seconds = FRAME_SECONDS

    def __init__(self, live: Live, console: Console) -> None:
        self._live = live
        self._console = console

    def show(self, view: View) -> None:
        width, height = self._console.size
        self._live.update(screen(view, width, height), refresh=True)


class LineByLine:
    """A line each few seconds."""

    seconds = LINE_SECONDS

    def show(self, view: View) -> None:
        print(line(view), flush=True)


@contextmanager
def opened() -> Iterator[Show]:
    """The show that fits where the output goes; a terminal is as it was afterwards."""
    console = Console()
    if not console.is_terminal:
        yield LineByLine()
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield OnTerminal(live, console)
