"""Metrics as a test sees them: which there are, and what a process says of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from shakerqueue.backlog import Backlog
from shakerqueue.telemetry.exposition import BuildInfo, WorkersMetrics
from shakerqueue.telemetry.metrics import METRICS, Part
from tests.support.bar import Bar


class Known(NamedTuple):
    """A metric that the product has: its labels in alphabetical order, and the parts that tell it."""

    type: str
    labels: tuple[str, ...]
    parts: tuple[str, ...]


def known_metrics() -> dict[str, Known]:
    """Every metric by the name under which Prometheus knows it."""
    found: dict[str, Known] = {}
    for part in Part:
        for family, labels in _families(part):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            parts = (*found[name].parts, part.value) if name in found else (part.value,)
            found[name] = Known(family.type, tuple(sorted(labels)), parts)
    return found


def known_series() -> set[str]:
    """Every name that a query may use: a histogram has three."""
    return {series for name, known in known_metrics().items() for series in _series(name, known.type)}


def _series(name: str, kind: str) -> list[str]:
    return [f"{name}_{suffix}" for suffix in ("bucket", "sum", "count")] if kind == "histogram" else [name]


def _families(part: Part) -> Iterator[tuple[Metric, tuple[str, ...]]]:
    for metric in METRICS[part]:
        for family in metric.describe():
            yield family, tuple(metric._labelnames)
    settings = Bar("", "amqp://nowhere", "none", Path()).settings
    of_the_api = (WorkersMetrics(part, None).describe(), Backlog(settings).describe()) if part is Part.API else ()
    for families in (BuildInfo().describe(), *of_the_api):
        for family in families:
            yield family, tuple(getattr(family, "_labelnames", ()))


class Exposed:
    """What a part says of itself at its address."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/metrics"

    def families(self) -> dict[str, Metric]:
        answer = httpx.get(self.url, trust_env=False)
        assert 200 == answer.status_code, answer.text
        return {family.name: family for family in text_string_to_metric_families(answer.text)}

    def value(self, name: str, **labels: str) -> float | None:
        """The sum of a series' samples that carry these labels; None where there is none, or nobody answers."""
        try:
            families = self.families()
        except httpx.TransportError:
            return None
        samples = [s for family in families.values() for s in family.samples if s.name == name]
        fitting = [sample.value for sample in samples if labels.items() <= sample.labels.items()]
        return sum(fitting) if fitting else None
