"""A private PostgreSQL: its own data folder, passwords and port, on the loopback interface only."""

import hashlib
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from dev import state
from dev.account import give, private_folder, unprivileged
from dev.ports import LOOPBACK, kept_ports, recorded_ports
from dev.postgres_binaries import bin_folder
from dev.servers import Server, ServerError, run

DATABASE = OWNER = "shakerqueue"
SUPERUSER = "postgres"
STATUS_LINE = 7  # of postmaster.pid, counted from 0
# A killed server still finds every commit again, in the machine's cache; only a crash of the machine loses any.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off"}


class PrivatePostgres(Server):
    """PostgreSQL for one state folder, with a database `shakerqueue` that the role `shakerqueue` owns.

    `durable=False` trades safety against a crash of the machine for speed, for data that nobody keeps.
    `settings` are further server settings, such as `{"max_connections": "200"}`.
    """

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # PostgreSQL's "fast" shutdown; its answer to SIGTERM waits for every client

    def __init__(self, state_folder: Path, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        folder = private_folder(state.make(state_folder) / "postgres")
        digest = hashlib.sha256(bytes(folder)).hexdigest()[:12]
        super().__init__(folder=folder, log_path=state.log_file(state_folder, "postgres"), tag=f"sq-postgres-{digest}")
        self.account = unprivileged()
        self.data = folder / "data"
        self._state = state_folder
        self._ports = folder / "ports.json"
        self._settings = {**({} if durable else NOT_DURABLE), **(settings or {})}
        self._no_sync = not durable

    @property
    def port(self) -> int:
        """The port it listens on, the same after a restart unless another program took it meanwhile."""
        return recorded_ports(self._ports)[0]

    @property
    def url(self) -> str:
        """The application's URL: the role that owns the database, and is no superuser."""
        return self._url(OWNER, DATABASE)

    @property
    def admin_url(self) -> str:
        """The superuser's URL, to the database `postgres`."""
        return self._url(SUPERUSER, "postgres")

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}:{self._password(user)}@{LOOPBACK}:{self.port}/{database}"

    def _password(self, user: str) -> str:
        return state.secret(self._state, f"postgres-{user}")

    def program(self, name: str) -> Path:
        """The path of one of PostgreSQL's programs, such as `pg_dump`."""
        return bin_folder() / name

    def environment(self) -> dict[str, str]:
        """The caller's, without the variables that libpq and the server read."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return {**inherited, "TZ": "UTC", "LC_ALL": "C"}

    def prepare(self) -> None:
        """Choose the port and, at the first start, make the data folder."""
        kept_ports(self._ports, 1)
        if not self.data.exists():
            self._initialise()

    def _initialise(self) -> None:
        """Make the data folder under another name first: an interrupted attempt is not taken for it."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file = self.folder / "initial-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password(SUPERUSER))
        give(password_file)
        run(
            self._initdb(unfinished, password_file),
            name="PostgreSQL's initdb",
            folder=self.folder,
            environment=self.environment(),
            log_path=state.log_file(self._state, "initdb"),
            account=self.account,
        )
        password_file.unlink()
        unfinished.rename(self.data)

    def _initdb(self, data: Path, password_file: Path) -> list[str | Path]:
        # The built-in locale sorts alike everywhere, whatever locales the machine has.
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        who = [f"--username={SUPERUSER}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        sync = ["--no-sync"] if self._no_sync else []
        return [self.program("initdb"), f"--pgdata={data}", *locale, *who, *sync, "--no-instructions"]

    def command(self) -> list[str | Path]:
        """The server, with all settings on its command line: the data folder stays as initdb made it."""
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "cluster_name": self.tag or "",  # shows in the title of each of its processes
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self._settings,
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self.program("postgres"), "-D", self.data, *options]

    def answers(self) -> bool:
        """Whether the server wrote down that it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        ours = lines[:1] == [str(self.pid)]
        return ours and [line.strip() for line in lines[STATUS_LINE:]] == ["ready"]

    def wait_ready(self) -> None:
        """Wait until it takes connections and has the application's role and database.

        Raises:
            ServerError: it ended, was too slow, or refused our password.
        """
        super().wait_ready()
        try:
            with psycopg.connect(self.admin_url, autocommit=True, connect_timeout=10) as connection:
                self._ensure_database(connection)
        except psycopg.OperationalError as error:
            raise ServerError(f"PostgreSQL refuses its own administrator: {error}") from error

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
            create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}")
            connection.execute(create.format(sql.Identifier(OWNER), self._password(OWNER)))
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))
