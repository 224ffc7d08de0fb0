"""The product's counters, read from the folder in which its processes keep them. Those of killed processes stay."""

import struct
from pathlib import Path

from prometheus_client import Counter

from shakerqueue.telemetry import shared_files
from tests.support.waiting import eventually

HALF_WRITTEN = (struct.error, RuntimeError, ValueError, KeyError)  # what the reader makes of a file being made


class Counters:
    """The counters of one part, added up over all its processes, past and present."""

    def __init__(self, folder: Path) -> None:
        """`folder` is what the part was given as PROMETHEUS_MULTIPROC_DIR."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def total(self, counter: Counter, **labels: str) -> int:
        """The sum over all samples of a counter that carry these labels."""
        name = f"{next(iter(counter.describe())).name}_total"
        [total] = eventually(lambda: self._read(name, labels))
        return total

    def _read(self, name: str, labels: dict[str, str]) -> list[int]:
        """The total; nothing while a process that has just started makes its file."""
        try:
            metrics = shared_files.read(self.folder)
        except HALF_WRITTEN:
            return []
        samples = (sample for metric in metrics for sample in metric.samples if sample.name == name)
        return [int(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))]
