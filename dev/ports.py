"""Free TCP ports on this machine."""

import errno
import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below what outgoing connections are given: one of those could take a port between choice and use.
CANDIDATES = range(20_000, 32_000)


def bind_error(host: str, port: int) -> str | None:
    """Why nothing can listen there just now, or None when something can."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        with socket.socket(found[0][0], socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[0][4])
            probe.listen(1)
    except OSError as error:
        return "it is already in use" if error.errno == errno.EADDRINUSE else str(error.strerror or error)
    return None


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface."""
    return bind_error(LOOPBACK, port) is None


def free_ports(count: int) -> list[int]:
    """Choose that many different free ports.

    By chance rather than in order: two test runs that start at once should not want the same ones.
    """
    chosen: list[int] = []
    for port in random.sample(CANDIDATES, len(CANDIDATES)):
        if is_free(port):
            chosen.append(port)
        if len(chosen) == count:
            return chosen
    raise OSError(errno.EADDRINUSE, f"fewer than {count} free ports from {CANDIDATES.start} on")


def kept_ports(path: Path, count: int) -> list[int]:
    """The ports used last time, so that URLs outlive a restart; new ones when any of them is taken."""
    if path.exists():
        ports = [int(port) for port in json.loads(path.read_text())]
        if len(ports) == count and all(is_free(port) for port in ports):
            return ports
    ports = free_ports(count)
    path.write_text(json.dumps(ports))
    return ports


def recorded_ports(path: Path) -> list[int]:
    """The ports that a server, running or not, was given last."""
    return [int(port) for port in json.loads(path.read_text())]
