"""A private Redis on loopback that keeps nothing: for the tests of what counts in one, or in Valkey."""

import socket
from pathlib import Path

from dev import state
from dev.account import private_folder, unprivileged
from dev.debian import ensure_program, search_path
from dev.ports import LOOPBACK, kept_ports, recorded_ports
from dev.servers import Server

PING_SECONDS = 1.0


def ensure_redis() -> Path:
    """The path of `redis-server`.

    Raises:
        ServerError: it is missing, and installing is not permitted or failed.
    """
    return ensure_program("redis-server", "redis-server.service")


class PrivateRedis(Server):
    """Redis for one state folder, on the same port after a restart."""

    name = "Redis"

    def __init__(self, state_folder: Path) -> None:
        folder = private_folder(state.make(state_folder) / "redis")
        super().__init__(folder=folder, log_path=state.log_file(state_folder, "redis"))
        self.account = unprivileged()
        self._ports = folder / "ports.json"

    @property
    def port(self) -> int:
        return recorded_ports(self._ports)[0]

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}"

    def prepare(self) -> None:
        """Choose a port."""
        kept_ports(self._ports, 1)

    def command(self) -> list[str | Path]:
        """In memory only, and without anybody's file of settings."""
        where = ["--bind", LOOPBACK, "--port", str(self.port)]
        return [ensure_redis(), "-", *where, "--save", "", "--appendonly", "no"]

    def environment(self) -> dict[str, str]:
        """It needs none."""
        return {"PATH": search_path()}

    def answers(self) -> bool:
        """Whether it answers a ping."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=PING_SECONDS) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
        except OSError:
            return False
