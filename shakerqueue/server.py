"""The HTTP server: Granian over the application factory. What was tried with it stands in docs/server.md."""

import ctypes
import gc
import multiprocessing
import os
import signal
import socket
import sys
from functools import partial
from importlib import import_module
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from shakerqueue import shutdown
from shakerqueue.backlog import Backlog
from shakerqueue.config import Settings
from shakerqueue.errors import ConfigurationError
from shakerqueue.request_places import RequestPlaces
from shakerqueue.telemetry import shared_files
from shakerqueue.telemetry.exposition import expose
from shakerqueue.telemetry.logging import LineFormatter, LineHandler, configure_logging
from shakerqueue.telemetry.metrics import Part

DRAIN_SECONDS = 8  # then workers are killed: with what comes after, the server ends within ten
RESPAWN_PAUSE_SECONDS = 0.5


def serve(settings: Settings, application: str = "shakerqueue.app:create_app") -> None:
    """Serve until TERM or INT, then drain.

    Raises:
        ConfigurationError: an address cannot be had.
    """
    configure_logging(settings)
    check_address_is_free(settings.host, settings.port)
    shared_files.share(settings.workers, settings.metrics_folder)
    expose(settings, Part.API, Backlog(settings))
    multiprocessing.set_start_method("spawn", force=True)  # a worker begins afresh, with no thread or lock half copied
    Server(
        application,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads + settings.streams,
        backpressure=settings.threads * 4 + settings.streams,
        respawn_failed_workers=True,  # otherwise one killed worker ends the whole server
        respawn_interval=RESPAWN_PAUSE_SECONDS,
        workers_kill_timeout=DRAIN_SECONDS,
        websockets=False,
        log_access=False,
        log_dictconfig=server_logging(settings),
    ).serve(target_loader=partial(load_application, settings.threads))


def server_logging(settings: Settings) -> dict[str, Any]:
    """Granian's own lines in our form, in the main process and in the workers."""
    return {
        "formatters": {"line": {"()": LineFormatter, "settings": settings}},
        "handlers": {"line": {"()": LineHandler, "formatter": "line"}},
        "loggers": {"_granian": {"handlers": ["line"], "propagate": False}},
    }


class Server(Granian):  # type: ignore[misc,valid-type] # chosen at import by the kind of interpreter
    """Granian, which ends as a whole when one worker dies twice within 5.5 s. A bar goes on."""

    def _respawn_workers(self, *args: Any, **options: Any) -> None:
        if shared_files.FOLDER in os.environ:
            shared_files.share(processes=1)
        super()._respawn_workers(*args, **{"delay": RESPAWN_PAUSE_SECONDS, **options})
        self.respawned_wrks.clear()


def load_application(requests: int, target: str) -> RequestPlaces:
    """In a new worker: call the factory that `module:name` names; it answers so many requests at a time."""
    end_with_parent()
    shutdown.watch_signals()
    module, _, name = target.partition(":")
    application = getattr(import_module(module), name)()
    shared_files.reserve()
    gc.collect()
    gc.freeze()  # or now and then a request waits 60 ms while all that never changes is looked through for garbage
    return RequestPlaces(application, requests)


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
