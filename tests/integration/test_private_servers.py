"""The servers that `make run` and the tests start: real ones, each test's in a folder of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika
import psutil
import psycopg
import pytest

from dev import debian, rabbitmq_install, state
from dev.ports import LOOPBACK
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.servers import ServerError, tagged, wait_until

needs_rabbitmq = pytest.mark.skipif(
    bool(os.environ.get("AMQP_URL")) and rabbitmq_install.server_script() is None,
    reason="a broker is given by AMQP_URL and none is installed",
)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="root only")


@pytest.fixture
def folder() -> Iterator[Path]:
    with state.temporary(in_memory=True) as folder:
        yield folder


@pytest.fixture
def postgres(folder: Path) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(folder, durable=False) as postgres:
        yield postgres


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    found: object = row[0]
    return found


def make_table(postgres: PrivatePostgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")


def test_the_url_leads_to_the_owner_of_an_empty_database(postgres: PrivatePostgres) -> None:
    assert "shakerqueue" == value(postgres.url, "SELECT current_database()")
    assert "shakerqueue" == value(postgres.url, "SELECT current_user::text")
    assert "off" == value(postgres.url, "SHOW is_superuser")
    assert "on" == value(postgres.admin_url, "SHOW is_superuser")


def test_postgres_speaks_utf8_and_utc(postgres: PrivatePostgres) -> None:
    assert "UTF8" == value(postgres.url, "SHOW server_encoding")
    assert "UTC" == value(postgres.url, "SHOW timezone")


def test_postgres_asks_for_the_password(postgres: PrivatePostgres) -> None:
    wrong = postgres.url.replace("shakerqueue:", "shakerqueue:not-")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_only_the_developer_can_read_the_secrets(postgres: PrivatePostgres, folder: Path) -> None:
    assert 0o700 == (folder / "secrets").stat().st_mode & 0o777
    assert {0o600} == {path.stat().st_mode & 0o777 for path in (folder / "secrets").iterdir()}


@as_root
def test_postgres_does_not_run_as_root(postgres: PrivatePostgres) -> None:
    assert 0 not in psutil.Process(postgres.pid).uids()


def test_postgres_is_durable_unless_told_otherwise(folder: Path, postgres: PrivatePostgres) -> None:
    assert "off" == value(postgres.url, "SHOW fsync")
    postgres.stop()
    with PrivatePostgres(folder) as durable:
        assert "on" == value(durable.url, "SHOW fsync")


def test_a_restart_keeps_data_and_url(postgres: PrivatePostgres) -> None:
    make_table(postgres)
    url = postgres.url
    postgres.restart()
    assert 42 == value(url, "SELECT answer FROM kept")


def test_a_killed_postgres_comes_back_with_its_data(postgres: PrivatePostgres) -> None:
    make_table(postgres)
    url = postgres.url
    os.kill(postgres.pid, signal.SIGKILL)
    postgres.restart()
    assert 42 == value(url, "SELECT answer FROM kept")


def test_a_frozen_postgres_can_be_stopped(postgres: PrivatePostgres) -> None:
    os.kill(postgres.pid, signal.SIGSTOP)
    postgres.stop()
    assert [] == left(postgres)


def test_postgres_leaves_no_process_behind(postgres: PrivatePostgres) -> None:
    with psycopg.connect(postgres.url):  # an open client does not hold it up
        assert left(postgres)
        postgres.stop()
    assert [] == left(postgres)
    assert postgres.exit_code is None


def test_a_leftover_of_the_same_state_is_ended_first(folder: Path, postgres: PrivatePostgres) -> None:
    make_table(postgres)
    with PrivatePostgres(folder, durable=False) as second:
        assert postgres.exit_code is not None
        assert 42 == value(second.url, "SELECT answer FROM kept")


def test_an_interrupted_first_start_is_begun_anew(folder: Path) -> None:
    postgres = PrivatePostgres(folder, durable=False)
    (folder / "postgres" / "data.unfinished").mkdir()
    with postgres:
        assert 1 == value(postgres.url, "SELECT 1")


def test_a_port_taken_meanwhile_is_given_up(postgres: PrivatePostgres) -> None:
    make_table(postgres)
    postgres.stop()
    taken = postgres.port
    with socket.create_server((LOOPBACK, taken)):
        postgres.start()
        assert taken != postgres.port
        assert 42 == value(postgres.url, "SELECT answer FROM kept")


def test_a_server_that_cannot_start_shows_its_log(folder: Path) -> None:
    postgres = PrivatePostgres(folder, durable=False, settings={"no_such_setting": "1"})
    with pytest.raises(ServerError, match=r"(?s)PostgreSQL ended while starting.*no_such_setting.*log: "):
        postgres.start()
    postgres.stop()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's death")
def test_no_server_outlives_a_killed_supervisor(folder: Path) -> None:
    program = (
        "import pathlib, signal, sys; from dev.postgres import PrivatePostgres; "
        "PrivatePostgres(pathlib.Path(sys.argv[1]), durable=False).start(); print(flush=True); signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE, cwd=state.CLONE) as owner:
        assert owner.stdout is not None
        owner.stdout.readline()
        postgres = PrivatePostgres(folder)
        assert left(postgres)
        owner.kill()
    assert wait_until(lambda: not left(postgres), deadline_seconds=15)


@needs_rabbitmq
def test_rabbitmq_keeps_messages_over_a_restart_and_leaves_nothing_behind(folder: Path) -> None:
    with PrivateRabbitMQ(folder) as rabbitmq:
        publish_one(rabbitmq.url)
        assert "beam.smp" == psutil.Process(rabbitmq.pid).name()
        assert {LOOPBACK, "::1"} >= listening_addresses(rabbitmq)
        rabbitmq.restart()
        assert b"kept" == get_one(rabbitmq.url)
        assert 2 <= len(left(rabbitmq))  # the node, and its port mapper
    assert [] == left(rabbitmq)


@needs_rabbitmq
@pytest.mark.slow
def test_a_killed_rabbitmq_comes_back_with_its_messages(folder: Path) -> None:
    with PrivateRabbitMQ(folder) as rabbitmq:
        publish_one(rabbitmq.url)
        rabbitmq.restart()  # what RabbitMQ writes about a new queue takes half a second to be safe
        os.kill(rabbitmq.pid, signal.SIGKILL)
        with PrivateRabbitMQ(folder) as second:  # finds the port mapper of the first one
            assert b"kept" == get_one(second.url)
            assert "shakerqueue" in second.ctl("list_users")


def test_without_rabbitmq_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rabbitmq_install, "server_script", lambda: None)
    monkeypatch.setattr(debian, "become_root", lambda: None)
    with pytest.raises(ServerError) as caught:
        rabbitmq_install.ensure_installed()
    assert "apt-get install rabbitmq-server" in str(caught.value)
    assert 1 == len(str(caught.value).splitlines())


def left(server: PrivatePostgres | PrivateRabbitMQ) -> list[psutil.Process]:
    assert server.tag is not None
    return tagged(server.tag)


def listening_addresses(server: PrivateRabbitMQ) -> set[str]:
    connections = (found for process in left(server) for found in process.net_connections("inet"))
    return {found.laddr.ip for found in connections if found.status == psutil.CONN_LISTEN}


def publish_one(url: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True, arguments={"x-queue-type": "quorum"})
        channel.basic_publish("", "kept", b"kept", mandatory=True)


def get_one(url: str) -> bytes:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        _, _, body = connection.channel().basic_get("kept", auto_ack=True)
        return bytes(body)
