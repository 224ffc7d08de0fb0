"""Where Prometheus asks: `/metrics` of one part, all its processes added up, on an address of its own.

It is never the public port. A few threads answer, so that neither many who ask nor one who is slow gets in the way of
the part itself.
"""

import os
import platform
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.server import HTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import BoundedSemaphore, Thread, Timer
from typing import Any

import structlog
from prometheus_client import GC_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry, MetricsHandler
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

import shakerqueue
from shakerqueue.config import Settings
from shakerqueue.errors import ConfigurationError
from shakerqueue.telemetry import shared_files
from shakerqueue.telemetry.metrics import METRICS, Part

PATH = "/metrics"
MAX_REQUESTS = 4  # at a time; who comes while there are so many is turned away
ANSWER_SECONDS = 10.0  # from the connection to the end of its answer; Prometheus waits no longer by default

log = structlog.get_logger(__name__)


def expose(settings: Settings, part: Part, *others: Collector) -> "MetricsServer | None":
    """Answer, in threads, until the process ends; nothing where no METRICS_PORT is set.

    Call it after `shared_files.share`, where that is called at all.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    if settings.metrics_port is None:
        return None
    registry = CollectorRegistry()
    for collector in (_of_part(part), BuildInfo(), *others):
        registry.register(collector)
    try:
        server = MetricsServer(settings.metrics_host, settings.metrics_port, registry)
    except OSError as error:
        address = f"{settings.metrics_host}:{settings.metrics_port}"
        raise ConfigurationError(f"cannot listen for metrics on {address}: {error.strerror}") from error
    server.start()
    log.info("metrics_exposed", host=settings.metrics_host, port=server.server_port)
    return server


def _of_part(part: Part) -> Collector:
    folder = os.environ.get(shared_files.FOLDER)
    if part is Part.API:  # this process only watches over those that serve
        return WorkersMetrics(part, Path(folder) if folder else None)
    return ProcessMetrics(part) if folder is None else SharedMetrics(part, Path(folder))


class ProcessMetrics(Collector):
    """Those of this very process."""

    def __init__(self, part: Part) -> None:
        self._metrics = METRICS[part]

    def describe(self) -> Iterator[Metric]:
        for metric in self._metrics:
            yield from metric.describe()

    def collect(self) -> Iterator[Metric]:
        for collector in (*self._metrics, PROCESS_COLLECTOR, GC_COLLECTOR):
            yield from collector.collect()


class SharedMetrics(Collector):
    """Those that the processes of a part keep in a folder, added up."""

    def __init__(self, part: Part, folder: Path) -> None:
        self._names = {family.name for metric in METRICS[part] for family in metric.describe()}
        self._folder = folder

    def describe(self) -> Iterator[Metric]:
        """Nothing: what is in the folder is known when somebody asks."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        shared_files.forget_ended(self._folder)
        yield from (metric for metric in shared_files.read(self._folder) if metric.name in self._names)


class WorkersMetrics(Collector):
    """Those of the API's workers; and whether they share them, for else each only counts for itself."""

    def __init__(self, part: Part, folder: Path | None) -> None:
        self._shared = SharedMetrics(part, folder) if folder else None

    def describe(self) -> Iterator[Metric]:
        yield self._metrics_shared()

    def collect(self) -> Iterator[Metric]:
        yield self._metrics_shared()
        if self._shared:
            yield from self._shared.collect()

    def _metrics_shared(self) -> Metric:
        shared = shared_files.FOLDER in os.environ  # it goes when there is no room for another worker's
        return GaugeMetricFamily(
            "shakerqueue_metrics_shared", "1 while the workers' metrics are added up; 0: no room for them", int(shared)
        )


class BuildInfo(Collector):
    """Which release runs."""

    def describe(self) -> Iterator[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "shakerqueue_build_info", "Always 1; its labels say which release runs", labels=["version", "python"]
        )
        info.add_metric([shakerqueue.__version__, platform.python_version()], 1)
        yield info


class MetricsServer(HTTPServer):
    """Answers `GET /metrics` with what a registry holds."""

    allow_reuse_port = False  # from Python 3.14 on two could share the port, each asked now and then

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Raises OSError: it cannot listen there."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._places = BoundedSemaphore(MAX_REQUESTS)
        super().__init__((host, port), _handler(registry))

    def start(self) -> None:
        Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def server_bind(self) -> None:
        """Without looking up the machine's name, as HTTPServer does: where names are served slowly that lasts."""
        TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            # Not of a pool: the interpreter would wait for its threads at the end, and so for whoever is slow.
            Thread(target=self._answer, args=(request, client_address), name="metrics-answer", daemon=True).start()
        else:
            self.shutdown_request(request)

    def _answer(self, request: Any, client_address: Any) -> None:
        limit = Timer(ANSWER_SECONDS, _hang_up, [request])  # a time-out of the socket begins anew with every byte
        limit.daemon = True
        limit.start()
        try:
            self.finish_request(request, client_address)
        except OSError as error:
            log.warning("metrics_unanswered", reason=repr(error))
        except Exception:
            log.exception("metrics_unanswered")
        finally:
            limit.cancel()
            self.shutdown_request(request)
            self._places.release()


def _hang_up(request: socket.socket) -> None:
    with suppress(OSError):  # it has just ended by itself
        request.shutdown(socket.SHUT_RDWR)


def _handler(registry: CollectorRegistry) -> type[MetricsHandler]:
    class Handler(MetricsHandler):
        def do_GET(self) -> None:  # noqa: N802 - named by http.server
            if self.path.partition("?")[0] == PATH:
                super().do_GET()
            else:
                self.send_error(404)

    Handler.registry = registry
    return Handler
