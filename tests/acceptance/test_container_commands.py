"""Every command that compose and the Dockerfile name for our image, run as they say, without an engine.

Only addresses are others: the servers are the tests' own, the API's port is a free one on loopback, and /secrets and
/app are folders of this machine.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import httpx
import pika
import psycopg
import pytest
from psycopg import sql
from redis import Redis
from redis.exceptions import AuthenticationError

from dev import state
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.redis_server import PrivateRedis, ensure_redis
from shakerqueue.messaging import connections
from tests.support.bar import Bar, free_port, sign_in
from tests.support.compose import REPOSITORY, compose_project, exec_form, make_secrets, process_environment
from tests.support.waiting import eventually

ROLE = "shakerqueue"


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return compose_project()


@pytest.fixture
def secrets(project: dict[str, Any], tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    make_secrets(project, folder)
    return folder


def test_secrets_are_made_once_and_differ(project: dict[str, Any], secrets: Path) -> None:
    made = contents(secrets)
    make_secrets(project, secrets)

    assert made == contents(secrets)
    random = [text for path, text in made.items() if path.name.endswith(("secret", "pepper", "password"))]
    assert [64] * 6 == [len(text) for text in random]
    assert 6 == len(set(random))


def test_a_secret_that_is_missing_is_made_and_the_others_stay(project: dict[str, Any], secrets: Path) -> None:
    made = contents(secrets)
    (secrets / "app/jwt_secret").unlink()
    make_secrets(project, secrets)

    assert [secrets / "app/jwt_secret"] == [path for path, text in contents(secrets).items() if text != made[path]]


def test_secrets_of_ours_are_closed_and_those_of_the_servers_open_to_their_users(secrets: Path) -> None:
    modes = {path.relative_to(secrets).parts[0]: path.stat().st_mode & 0o777 for path in contents(secrets)}
    assert {"app": 0o600, "postgres": 0o644, "rabbitmq": 0o644, "valkey": 0o644} == modes


def contents(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


@dataclass
class Containers:
    """Stands in for the engine: starts a service's command with the service's environment and nothing else."""

    services: dict[str, Any]
    secrets: Path
    prefix: str
    port: int

    def environment(self, name: str) -> dict[str, str]:
        given = process_environment(self.services[name], self.secrets)
        address = {"HOST": "127.0.0.1", "PORT": str(self.port)} if name == "api" else {}
        metrics = {"METRICS_HOST": "127.0.0.1", "METRICS_PORT": str(free_port())}  # here all share one network
        return {**given, **address, **metrics, "AMQP_PREFIX": self.prefix}

    def command(self, name: str) -> list[str]:
        return translated([*exec_form("ENTRYPOINT"), *self.services[name]["command"]])

    def run(self, name: str) -> str:
        """A one-shot, to its end."""
        return subprocess.run(
            self.command(name),
            cwd=REPOSITORY,
            env=self.environment(name),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    @contextmanager
    def running(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A service, ended as the engine ends it: TERM, and no patience after the grace period."""
        process = subprocess.Popen(self.command(name), cwd=REPOSITORY, env=self.environment(name))
        try:
            yield process
            process.terminate()
            process.wait(int(self.services[name]["stop_grace_period"].rstrip("s")))
        finally:
            process.kill()
            process.wait()

    def api_is_healthy(self) -> bool:
        kind, *test = self.services["api"]["healthcheck"]["test"]
        assert "CMD" == kind
        test[-1] = test[-1].replace("8080", str(self.port))
        check = subprocess.run(
            translated(test), env=self.environment("api"), stderr=subprocess.DEVNULL, timeout=10, check=False
        )
        return check.returncode == 0


def translated(command: list[str]) -> list[str]:
    assert "python" == command[0]
    return [sys.executable, *command[1:]]


@pytest.fixture
def containers(project: dict[str, Any], secrets: Path, postgres: PrivatePostgres, bar: Bar) -> Iterator[Containers]:
    """The services over an empty database that role.sql made, and over the test's own queues."""
    role = f"composed_{uuid4().hex}"
    make_role(postgres, secrets / "postgres/role.sql", role)
    url = secrets / "app/database_url"
    url.write_text(url.read_text().replace(ROLE, role).replace("postgres:5432", f"127.0.0.1:{postgres.port}"))
    (secrets / "app/amqp_url").write_text(bar.amqp_url)
    yield Containers(project["services"], secrets, bar.prefix, free_port())
    with psycopg.connect(postgres.admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(role)))
        conn.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def make_role(postgres: PrivatePostgres, script: Path, role: str) -> None:
    """Run role.sql as the image's entry point does, under a name that no other test has."""
    script.write_text(script.read_text().replace(ROLE, role))
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={postgres.admin_url}"]
    subprocess.run([postgres.program("psql"), *options, f"--file={script}"], check=True)


def test_the_composed_services_serve_an_order_from_an_empty_database(containers: Containers) -> None:
    first = [containers.run("migrate"), containers.run("seed")]
    again = [containers.run("migrate"), containers.run("seed")]
    assert ("applied 0001", "nothing to apply\n") == (first[0][:12], again[0])
    assert ("demo users: 0 new" not in first[1], "demo users: 0 new" in again[1]) == (True, True)

    assert not containers.api_is_healthy(), "nothing listens yet"

    with ExitStack() as started:
        consumer = started.enter_context(containers.running("consumer"))
        webhooks = started.enter_context(containers.running("webhooks"))
        api = started.enter_context(containers.running("api"))
        eventually(containers.api_is_healthy, deadline_seconds=30)
        client = started.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{containers.port}"))
        guest = sign_in(client)
        placed = client.post("/orders", json={"recipe": "Margarita"}, headers=guest)
        assert 202 == placed.status_code
        place = placed.headers["Location"]
        eventually(lambda: client.get(place, headers=guest).json()["status"] == "pending")

    assert (0, 0, 0) == (api.returncode, consumer.returncode, webhooks.returncode)


class NotReady(BaseHTTPRequestHandler):
    """What the API answers while it cannot serve."""

    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()


def test_an_api_that_is_not_ready_is_not_healthy(project: dict[str, Any], secrets: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), NotReady) as server:
        Thread(target=server.handle_request, daemon=True).start()
        assert not Containers(project["services"], secrets, "unused", server.server_port).api_is_healthy()


class ComposedRabbitMQ(PrivateRabbitMQ):
    """A node with the configuration file that compose gives to RabbitMQ."""

    def __init__(self, state_folder: Path, configuration: str) -> None:
        super().__init__(state_folder)
        self._configuration = configuration

    def _files(self) -> dict[str, str]:
        return {**super()._files(), "rabbitmq.conf": self._configuration}


@pytest.mark.slow
@pytest.mark.skipif("AMQP_URL" in os.environ, reason="whoever gives a broker may have none installed")
def test_rabbitmq_takes_our_user_from_the_file_and_no_guest(secrets: Path) -> None:
    configuration = (secrets / "rabbitmq/rabbitmq.conf").read_text()
    with state.temporary() as folder, ComposedRabbitMQ(folder, configuration) as node:
        url = (secrets / "app/amqp_url").read_text().strip().replace("rabbitmq:5672", f"127.0.0.1:{node.port}")
        pika.BlockingConnection(connections.parameters(url, "tests", 60)).close()
        assert "shakerqueue\t[administrator]" == node.ctl("-q", "list_users", "--no-table-headers").strip()


class ComposedStore(PrivateRedis):
    """A store with the configuration file that compose gives to Valkey."""

    def __init__(self, state_folder: Path, configuration: str) -> None:
        super().__init__(state_folder)
        self._configuration = configuration

    def command(self) -> list[str | Path]:
        path = self.folder / "valkey.conf"
        path.write_text(self._configuration)
        return [ensure_redis(), path, "--port", str(self.port), "--bind", "127.0.0.1"]

    def answers(self) -> bool:
        """Whether it wants to know who asks."""
        return self.log_path.exists() and "Ready to accept connections" in self.log_path.read_text()


@pytest.mark.usefixtures("redis")  # skips where none can be had
def test_the_store_of_counts_takes_its_password_from_the_file_and_keeps_nothing(secrets: Path) -> None:
    configuration = (secrets / "valkey/valkey.conf").read_text()
    with state.temporary() as folder, ComposedStore(folder, configuration) as server:
        url = (secrets / "app/rate_limit_storage_uri").read_text().strip()
        here = url.replace("valkey:6379", f"127.0.0.1:{server.port}").replace("valkey", "redis")
        with Redis.from_url(here) as store:
            said = {name: store.config_get(name)[name] for name in ("save", "appendonly", "maxmemory-policy")}
            assert {"save": "", "appendonly": "no", "maxmemory-policy": "volatile-ttl"} == said
        with Redis.from_url(server.url) as stranger, pytest.raises(AuthenticationError):
            stranger.ping()
