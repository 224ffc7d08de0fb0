"""Real servers for all tests: one PostgreSQL and one RabbitMQ a worker, one database and one set of queues a test."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from dev import state
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.rabbitmq_install import ensure_installed
from dev.redis_server import PrivateRedis, ensure_redis
from dev.servers import ServerError
from tests.support.bar import Bar
from tests.support.bars import Bars, create_template
from tests.support.room import room

pytest_plugins = ["tests.support.application"]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test that is marked `alone` wait until the other workers' tests have ended, and them for it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    with room(Path(item.config.option.basetemp).parent, alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def server_state() -> Iterator[Path]:
    """Where this run's servers keep their data; gone afterwards."""
    with state.temporary(in_memory=True) as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres(server_state: Path) -> Iterator[PrivatePostgres]:
    with PrivatePostgres(server_state, durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def amqp_url(server_state: Path) -> Iterator[str]:
    """The broker that AMQP_URL names, else a private one; every test has a prefix of its own on it."""
    given = os.environ.get("AMQP_URL")
    if given:
        yield given
        return
    ensure_installed()
    with PrivateRabbitMQ(server_state) as server:
        yield server.url


@pytest.fixture
def redis(server_state: Path) -> Iterator[PrivateRedis]:
    """A store of counts; tests break it, so each has its own.

    Where none can be had they are skipped, though never where a change is judged by them.
    """
    try:
        ensure_redis()
    except ServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with PrivateRedis(server_state) as server:
        yield server


@pytest.fixture(scope="session")
def template_database(postgres: PrivatePostgres) -> str:
    """A migrated and seeded database that the tests' own are copied from."""
    return create_template(postgres)


@pytest.fixture(scope="session")
def bars(postgres: PrivatePostgres, template_database: str, amqp_url: str) -> Iterator[Bars]:
    with Bars(postgres, template_database, amqp_url) as bars:
        yield bars


@pytest.fixture(scope="module")
def shared_bar(bars: Bars, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bar]:
    """One bar for all of a module's tests that are marked `shares_bar`."""
    with bars.lend(tmp_path_factory.mktemp("bar")) as bar:
        yield bar


@pytest.fixture
def bar(request: pytest.FixtureRequest, bars: Bars, tmp_path: Path) -> Iterator[Bar]:
    """The test's own bar; that of its module where the test is marked `shares_bar`."""
    if request.node.get_closest_marker("shares_bar"):
        yield request.getfixturevalue("shared_bar")
        return
    with bars.lend(tmp_path) as bar:
        yield bar
