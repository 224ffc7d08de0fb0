"""Gauges that are looked up each second: nothing on the way of an order pays for them."""

from collections.abc import Callable, Mapping
from threading import Event, Thread

from prometheus_client import Gauge

SAMPLE_SECONDS = 1.0


class Sampler:
    """Sets each gauge to what its function returns; the functions are cheap, and do not raise."""

    def __init__(self, samples: Mapping[Gauge, Callable[[], float]]) -> None:
        self._samples = samples
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        while True:
            for gauge, sample in self._samples.items():
                gauge.set(sample())
            if self._stopping.wait(SAMPLE_SECONDS):
                return
