"""The product's counters, read from the folder in which its processes keep them. Those of killed processes stay."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.multiprocess import MultiProcessCollector


class Counters:
    """The counters of one part, added up over all its processes, past and present."""

    def __init__(self, folder: Path) -> None:
        """`folder` is what the part was given as PROMETHEUS_MULTIPROC_DIR."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def total(self, counter: Counter, **labels: str) -> int:
        """The sum over all samples of a counter that carry these labels."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(self.folder))  # type: ignore[no-untyped-call]
        name = f"{next(iter(counter.describe())).name}_total"
        samples = (sample for metric in registry.collect() for sample in metric.samples if sample.name == name)
        return int(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))
