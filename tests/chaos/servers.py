"""The broker and the database that the rows break: private, started once, mended after each row."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

from dev import product, state
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.run import Parts
from dev.servers import Server
from tests.support.bar import create_database

TEMPLATE = "chaos_template"
MAX_CONNECTIONS = 200


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and the state folder with their data and secrets."""

    folder: Path
    postgres: PrivatePostgres
    rabbitmq: PrivateRabbitMQ

    def mend(self) -> None:
        """Whatever a row that failed left behind: both servers answer afterwards."""
        for server in (self.postgres, self.rabbitmq):
            if server.exit_code is None and _runs(server):
                resume(server)
            else:
                server.restart()

    def administer(self, *statements: str) -> None:
        """Run statements as the superuser of PostgreSQL."""
        with psycopg.connect(self.postgres.admin_url, autocommit=True, connect_timeout=10) as conn:
            for statement in statements:
                conn.execute(statement.encode())


def _runs(server: Server) -> bool:
    with suppress(Exception):
        return server.pid > 0
    return False


@contextmanager
def running() -> Iterator[Servers]:
    """Start both, and prepare the database that each row gets a copy of."""
    with state.temporary() as folder, Parts() as parts:
        settings = {"max_connections": str(MAX_CONNECTIONS)}
        servers = Servers(folder, PrivatePostgres(folder, durable=False, settings=settings), PrivateRabbitMQ(folder))
        parts.launch(servers.rabbitmq)
        parts.launch(servers.postgres)
        servers.postgres.wait_ready()
        _prepare_template(servers)
        servers.rabbitmq.wait_ready()
        yield servers


def _prepare_template(servers: Servers) -> None:
    url = create_database(servers.postgres, TEMPLATE)
    settings = product_settings(servers, DATABASE_URL=url, AMQP_URL=servers.rabbitmq.url)
    for name, words in (("migrate", product.MIGRATE), ("seed", product.SEED)):
        product.run_once(name, words, state_folder=servers.folder, settings=settings)


def product_settings(servers: Servers, **settings: str) -> dict[str, str]:
    """The environment of one of the product's processes."""
    return product.environment(servers.folder, SHAKERQUEUE_ENV="test", BCRYPT_COST="4", RATE_LIMITS="off", **settings)


def family(server: Server) -> list[psutil.Process]:
    """The server's process and all below it."""
    leader = psutil.Process(server.pid)
    return [leader, *leader.children(recursive=True)]


def freeze(server: Server) -> int:
    """Stop the server and all its children where they stand; how many processes those were."""
    _send(server.pid, signal.SIGSTOP)  # first: from now on it makes no further children
    processes = family(server)
    for process in processes:
        _send(process.pid, signal.SIGSTOP)
    return len(processes)


def resume(server: Server) -> None:
    """Let all of the server's processes go on."""
    for process in family(server):
        _send(process.pid, signal.SIGCONT)


def frozen(server: Server) -> int:
    """How many of the server's processes stand still."""
    return sum(process.status() == psutil.STATUS_STOPPED for process in family(server))


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
