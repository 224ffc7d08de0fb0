"""The HTTP server: Granian over the application factory. What was tried with it stands in docs/server.md."""

import atexit
import ctypes
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog
from granian import Granian
from granian.constants import Interfaces

from shakerqueue import shutdown
from shakerqueue.config import Settings
from shakerqueue.errors import ConfigurationError
from shakerqueue.telemetry.logging import LineFormatter, LineHandler, configure_logging

DRAIN_SECONDS = 8  # then workers are killed: with what comes after, the server ends within ten
RESPAWN_PAUSE_SECONDS = 0.5
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
METRICS_FILE_BYTES = 1 << 20  # what prometheus-client begins a file with

log = structlog.get_logger(__name__)


def serve(settings: Settings, application: str = "shakerqueue.app:create_app") -> None:
    """Serve until TERM or INT, then drain.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    configure_logging(settings)
    check_address_is_free(settings.host, settings.port)
    share_metrics(settings.workers)
    multiprocessing.set_start_method("spawn", force=True)  # a worker begins afresh, with no thread or lock half copied
    Server(
        application,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backpressure=settings.threads * 4,
        respawn_failed_workers=True,  # otherwise one killed worker ends the whole server
        respawn_interval=RESPAWN_PAUSE_SECONDS,
        workers_kill_timeout=DRAIN_SECONDS,
        websockets=False,
        log_access=False,
        log_dictconfig=server_logging(settings),
    ).serve(target_loader=load_application)


def server_logging(settings: Settings) -> dict[str, Any]:
    """Granian's own lines in our form, in the main process and in the workers."""
    return {
        "formatters": {"line": {"()": LineFormatter, "settings": settings}},
        "handlers": {"line": {"()": LineHandler, "formatter": "line"}},
        "loggers": {"_granian": {"handlers": ["line"], "propagate": False}},
    }


def share_metrics(workers: int) -> None:
    """Give the workers a common folder for their counters; prometheus-client looks for it when they import it.

    It maps a file for each of them, without reserving its space: where the disk is full the kernel kills whoever
    counts. So without room for them they count each for itself, which is better than not to serve.
    """
    if METRICS_FOLDER not in os.environ:
        in_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
        folder = tempfile.mkdtemp(prefix="shakerqueue-metrics-", dir=in_memory if in_memory.is_dir() else None)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[METRICS_FOLDER] = folder
    if not has_room(Path(os.environ[METRICS_FOLDER]), workers * METRICS_FILE_BYTES):
        log.error("metrics_not_shared", folder=os.environ.pop(METRICS_FOLDER), reason="no room")


def has_room(folder: Path, size_bytes: int) -> bool:
    """Whether so much can be written into the folder."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError:
        return False
    return True


def reserve_metrics_files() -> None:
    """Reserve the space of this process's files, which were made when the counters were imported."""
    folder = os.environ.get(METRICS_FOLDER)
    for path in Path(folder).glob(f"*_{os.getpid()}.db") if folder else ():
        with path.open("r+b") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, METRICS_FILE_BYTES)


class Server(Granian):  # type: ignore[misc,valid-type] # chosen at import by the kind of interpreter
    """Granian, which ends as a whole when one worker dies twice within 5.5 s. A bar goes on."""

    def _respawn_workers(self, *args: Any, **options: Any) -> None:
        if METRICS_FOLDER in os.environ:
            share_metrics(workers=1)
        super()._respawn_workers(*args, **{"delay": RESPAWN_PAUSE_SECONDS, **options})
        self.respawned_wrks.clear()


def load_application(target: str) -> Callable[..., Any]:
    """In a new worker: call the factory that `module:name` names."""
    end_with_parent()
    shutdown.watch_signals()
    module, _, name = target.partition(":")
    application: Callable[..., Any] = getattr(import_module(module), name)()
    reserve_metrics_files()
    return application


def end_with_parent() -> None:
    """Ask Linux to end this worker with the main process: an orphan would hold the port, and nobody could stop it."""
    if not sys.platform.startswith("linux"):
        return
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGTERM)


def check_address_is_free(host: str, port: int) -> None:
    """Granian listens with SO_REUSEPORT: a second instance would share the port and take half the requests."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
