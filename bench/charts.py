"""Charts of bars: as data here, drawn as SVG by matplotlib, which lives in the environment of the peers."""

import subprocess
from pathlib import Path

import msgspec

from bench import peer_environment
from bench.figures import Spread

SCRIPT = Path(__file__).with_name("draw_charts.py")


class Bar(msgspec.Struct, frozen=True):
    """One figure: where it stands, and which of those that stand there it is."""

    group: str
    series: str
    value: Spread


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Bars by group. `axis` says what is measured, with its unit; `name` is that of the file."""

    name: str
    title: str
    groups: str  # what the groups are
    axis: str
    bars: list[Bar]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.svg"

    @property
    def alternative(self) -> str:
        """All that it shows, in words."""
        told = (f"{bar.group}, {bar.series}: {bar.value.median:,.1f}" for bar in self.bars)
        return f"{self.title}. {self.axis}, by {self.groups}: {'; '.join(told)}."


def draw(charts: list[Chart], folder: Path) -> None:
    """Draw them into a folder; the same charts give the same files.

    Raises:
        ServerError: matplotlib could not be installed.
        CalledProcessError: it failed, and has said why.
    """
    python = peer_environment.ensure_installed()
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([python, SCRIPT, folder], input=msgspec.json.encode(charts), check=True)
