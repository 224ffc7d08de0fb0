"""The HTTP server: Granian over the application factory. What was tried with it stands in docs/server.md."""

import socket

from granian import Granian
from granian.constants import Interfaces

from shakerqueue.config import Settings
from shakerqueue.errors import ConfigurationError

DRAIN_SECONDS = 10
RESPAWN_PAUSE_SECONDS = 0.5


def serve(settings: Settings, application: str = "shakerqueue.app:create_app") -> None:
    """Serve until TERM or INT, then drain.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    check_address_is_free(settings.host, settings.port)
    Granian(
        application,
        factory=True,
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
    ).serve()


def check_address_is_free(host: str, port: int) -> None:
    """Granian listens with SO_REUSEPORT: a second instance would share the port and take half the requests."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror}") from error
