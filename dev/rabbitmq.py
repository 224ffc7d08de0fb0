"""A private RabbitMQ node: its own data, cookie, password, ports and port mapper, all on loopback."""

import hashlib
import os
import signal
import socket
import subprocess
from pathlib import Path

from dev import state
from dev.account import give, private_folder, unprivileged
from dev.debian import find, search_path
from dev.ports import LOOPBACK, kept_ports, recorded_ports
from dev.rabbitmq_install import ensure_installed
from dev.servers import POLL_SECONDS, Server, ServerError, launched, log_tail, spawn, wait_until

__all__ = ["PrivateRabbitMQ", "ensure_installed"]

USER = "shakerqueue"
NODE = "shakerqueue@localhost"  # unique within its own port mapper, which no other node knows
LOOPBACK_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
CTL_SECONDS = 60.0


class PrivateRabbitMQ(Server):
    """RabbitMQ for one state folder, with one administrator `shakerqueue` and no plug-ins."""

    name = "RabbitMQ"
    start_seconds = 60.0
    stop_seconds = 30.0

    def __init__(self, state_folder: Path) -> None:
        folder = private_folder(state.make(state_folder) / "rabbitmq")
        digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
        super().__init__(folder=folder, log_path=state.log_file(state_folder, "rabbitmq"), tag=f"sq-rabbitmq-{digest}")
        self.account = unprivileged()
        self._state = state_folder
        self._ports = folder / "ports.json"
        self._epmd: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The AMQP port, the same after a restart unless another program took it meanwhile."""
        return recorded_ports(self._ports)[0]

    @property
    def url(self) -> str:
        """The URL of the node's default virtual host."""
        return f"amqp://{USER}:{self._password()}@{LOOPBACK}:{self.port}/%2F"

    def _password(self) -> str:
        return state.secret(self._state, "rabbitmq-shakerqueue")

    def environment(self) -> dict[str, str]:
        """The caller's, without anything that would point at another node, and with our own of everything."""
        foreign = ("RABBITMQ_", "ERL_", "NOTIFY_SOCKET")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {**inherited, **self._general(), **self._places(), **self._ports_environment()}

    def _general(self) -> dict[str, str]:
        return {
            "PATH": search_path(),
            "HOME": str(self.folder),  # the cookie lies there
            "LC_ALL": "C.UTF-8",
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"{LOOPBACK_ONLY} -shakerqueue {self.tag}",
            "RABBITMQ_CTL_ERL_ARGS": LOOPBACK_ONLY,
            # Makes the script become the Erlang machine, not wait for it: its process id is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def _places(self) -> dict[str, str]:
        return {
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(self.folder / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
        }

    def _ports_environment(self) -> dict[str, str]:
        amqp, distribution, epmd = recorded_ports(self._ports)
        return {
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(amqp),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(epmd),
        }

    def prepare(self) -> None:
        """Write the node's files and start its port mapper."""
        ensure_installed()
        kept_ports(self._ports, 3)
        for name in ("data", "logs", "conf.d"):
            private_folder(self.folder / name)
        for name, text in self._files().items():
            self._write(name, text)
        self._start_epmd()

    def _files(self) -> dict[str, str]:
        settings = [
            f"default_user = {USER}",
            f"default_pass = {self._password()}",
            # The default (512 MiB) is for servers that run nothing else.
            "raft.wal_max_size_bytes = 67108864",
        ]
        return {
            ".erlang.cookie": state.secret(self._state, "rabbitmq-cookie"),
            "rabbitmq.conf": "\n".join(settings) + "\n",
            "advanced.config": "[].\n",
            "rabbitmq-env.conf": "",
            "enabled_plugins": "[].\n",
        }

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)  # Erlang wants the cookie read-only, even for its owner
        path.touch(mode=0o600)
        path.write_text(text)
        path.chmod(0o400)
        give(path)

    def _start_epmd(self) -> None:
        """Start Erlang's port mapper ourselves: one that the node starts stays behind when the node ends."""
        environment = self.environment()
        port = environment["ERL_EPMD_PORT"]
        log_path = state.log_file(self._state, "epmd")
        self._epmd = spawn(
            [self._epmd_program(), "-port", port, "-address", LOOPBACK],
            folder=self.folder,
            environment=environment,
            log_path=log_path,
            account=self.account,
        )
        if not wait_until(lambda: _accepts(int(port)), self.start_seconds):
            raise ServerError(f"Erlang's epmd did not start\n{log_tail(log_path)}")

    def _epmd_program(self) -> Path:
        """A link to `epmd` that carries the tag: epmd takes no option by which to know it again."""
        program = find("epmd")
        if program is None:
            raise ServerError("Erlang's `epmd` is not on PATH, though RabbitMQ is installed")
        link = self.folder / f"{self.tag}-epmd"
        link.unlink(missing_ok=True)
        link.symlink_to(program)
        return link

    def command(self) -> list[str | Path]:
        """The server's own script."""
        return [ensure_installed()]

    def answers(self) -> bool:
        """Whether the node speaks AMQP: it opens that port last."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(PROTOCOL_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def clean_up(self) -> None:
        """End the port mapper, too."""
        if self._epmd:
            self._epmd.send_signal(signal.SIGTERM)
            self._epmd.send_signal(signal.SIGCONT)
            self._epmd.wait(self.stop_seconds)
            self._epmd = None
        super().clean_up()

    def ctl(self, *words: str) -> str:
        """Run `rabbitmqctl` against this node and return what it prints.

        Raises:
            ServerError: it failed, or took longer than a minute.
        """
        try:
            return subprocess.run(
                launched([ensure_installed().with_name("rabbitmqctl"), *words], account=self.account),
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=CTL_SECONDS,
                check=True,
            ).stdout
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"rabbitmqctl took longer than {CTL_SECONDS:.0f} s") from error
        except subprocess.CalledProcessError as error:
            raise ServerError(f"rabbitmqctl failed: {error.stdout}{error.stderr}") from error


def _accepts(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=POLL_SECONDS).close()
    except OSError:
        return False
    return True
