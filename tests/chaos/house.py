"""One row's house: a database and queues of its own, the real API and consumer, and whatever stands in between."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import psycopg
from psycopg import sql

from dev import product
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.run import Api
from dev.servers import ServerError
from shakerqueue.failpoints import Failpoint
from shakerqueue.messaging import connections
from shakerqueue.messaging.topology import Topology
from tests.chaos.attempts import AttemptedOrder
from tests.chaos.counters import Counters
from tests.chaos.ledger import StoredOrder, read_stored
from tests.chaos.proxy import Proxy
from tests.chaos.servers import TEMPLATE, Servers, product_settings
from tests.chaos.supervisor import Supervisor
from tests.chaos.waiting import await_fact
from tests.support.bar import create_database

WORKERS = 2
CTL_POLL_SECONDS = 0.3  # rabbitmqctl keeps a core busy for a second
PUBLISHER, CONSUMER = "shakerqueue-publisher", "shakerqueue-consumer"  # as they name themselves to the broker


class Failpoints:
    """The failpoints of one part."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder

    def arm(self, point: Failpoint, action: str) -> None:
        """Make the next process that passes do this. The file appears whole: somebody may look at any moment."""
        draft = self.folder / f".{point}"
        draft.write_text(action)
        draft.rename(self.folder / point)

    def fired(self, point: Failpoint) -> bool:
        """Whether somebody took what was armed."""
        return not (self.folder / point).exists()


@dataclass(frozen=True, slots=True)
class Proxies:
    """What stands between the product's two parts and the two servers, in a row that needs it."""

    api_broker: Proxy
    api_database: Proxy
    consumer_broker: Proxy
    consumer_database: Proxy

    def heal(self) -> None:
        for proxy in (self.api_broker, self.api_database, self.consumer_broker, self.consumer_database):
            proxy.heal()


@dataclass(kw_only=True)
class House:
    """Everything of one row. The supervisor keeps the consumer alive; Granian does that for the API's workers."""

    servers: Servers
    database_url: str  # straight to PostgreSQL, not through a proxy
    topology: Topology
    api: Api
    consumer: Supervisor
    api_counters: Counters
    consumer_counters: Counters
    api_failpoints: Failpoints
    consumer_failpoints: Failpoints
    proxies_if_any: Proxies | None
    attempted: list[AttemptedOrder] = field(default_factory=list)  # all that was ever ordered here

    @property
    def proxies(self) -> Proxies:
        assert self.proxies_if_any, "this row did not ask for proxies"
        return self.proxies_if_any

    def mend(self) -> None:
        """Whatever a row left broken works again."""
        if self.proxies_if_any:
            self.proxies_if_any.heal()
        self.servers.mend()

    def api_workers(self) -> set[int]:
        """The process ids of the API's workers."""
        children = psutil.Process(self.api.pid).children()
        return {child.pid for child in children if "spawn_main" in " ".join(_command_line(child))}

    def stored(self) -> list[StoredOrder]:
        """Everything in this row's database."""
        with psycopg.connect(self.database_url, connect_timeout=10) as conn:
            return read_stored(conn)

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask this row's database as the superuser, who gets in when nobody else does."""
        url = self.servers.postgres.admin_url.rpartition("/")[0] + urlsplit(self.database_url).path
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as conn:
            return conn.execute(statement.encode()).fetchall()

    def ready_messages(self, queue: str) -> int:
        """How many messages a queue has ready, as the queue itself says."""
        hosts = connections.parameters(self.servers.rabbitmq.url, "chaos", heartbeat_seconds=60)
        connection, channel = connections.open_declared(hosts, self.topology)
        with connection:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    def unacknowledged_messages(self) -> int:
        """How many messages the broker's channels have delivered and not got back, as the channels themselves say."""
        printed = self.servers.rabbitmq.ctl("-q", "list_channels", "messages_unacknowledged")
        return sum(int(word) for word in printed.split() if word.isdigit())

    def broker_connections(self, name: str) -> int:
        """How many connections that call themselves so the broker has."""
        return self.servers.rabbitmq.ctl("-q", "list_connections", "client_properties").count(f'"{name}"')

    def await_connected(self) -> None:
        """Wait until every worker of the API and the consumer are connected to the broker."""

        def connected() -> bool:
            try:
                return self.broker_connections(PUBLISHER) >= WORKERS and self.broker_connections(CONSUMER) >= 1
            except ServerError:  # the node is not up yet
                return False

        await_fact("all are connected to the broker", connected, poll_seconds=CTL_POLL_SECONDS)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has just ended
        return []


@contextmanager
def opened(servers: Servers, *, proxied: bool = False, amqp_options: str = "", **settings: str) -> Iterator[House]:
    """A house with everything running and ready. Its database and queues are gone afterwards."""
    name = f"chaos_{uuid4().hex[:12]}"
    database_url = create_database(servers.postgres, name, TEMPLATE)
    with ExitStack() as stack:
        stack.callback(_remove, servers, name, Topology(name.replace("_", "-")))
        proxies = _proxies(stack, servers) if proxied else None
        house = _house(servers, database_url, proxies, amqp_options, settings)
        stack.callback(house.api.stop)
        house.api.launch()
        stack.callback(house.consumer.stop)
        house.consumer.start()
        house.api.wait_ready()
        house.await_connected()
        yield house


def _proxies(stack: ExitStack, servers: Servers) -> Proxies:
    ports = {"broker": lambda: servers.rabbitmq.port, "database": lambda: servers.postgres.port}
    made = {
        f"{part}_{server}": stack.enter_context(Proxy(port))
        for part in ("api", "consumer")
        for server, port in ports.items()
    }
    return Proxies(**made)


def _house(
    servers: Servers, database_url: str, proxies: Proxies | None, amqp_options: str, settings: dict[str, str]
) -> House:
    name = urlsplit(database_url).path.strip("/")
    prefix = name.replace("_", "-")
    folder = servers.folder / name
    folder.mkdir()
    port = free_ports(1)[0]
    common = {"AMQP_PREFIX": prefix, "HOST": LOOPBACK, "PORT": str(port), "WORKERS": str(WORKERS), **settings}
    api_points, consumer_points = Failpoints(folder / "api-failpoints"), Failpoints(folder / "consumer-failpoints")
    api_counters, consumer_counters = Counters(folder / "api-metrics"), Counters(folder / "consumer-metrics")
    api_settings = product_settings(
        servers,
        **common,
        DATABASE_URL=_through(database_url, proxies.api_database if proxies else None),
        AMQP_URL=_through(servers.rabbitmq.url, proxies.api_broker if proxies else None) + amqp_options,
        FAILPOINTS_DIR=str(api_points.folder),
        PROMETHEUS_MULTIPROC_DIR=str(api_counters.folder),
    )
    consumer_settings = product_settings(
        servers,
        **common,
        DATABASE_URL=_through(database_url, proxies.consumer_database if proxies else None),
        AMQP_URL=_through(servers.rabbitmq.url, proxies.consumer_broker if proxies else None) + amqp_options,
        FAILPOINTS_DIR=str(consumer_points.folder),
        PROMETHEUS_MULTIPROC_DIR=str(consumer_counters.folder),
    )
    consumer = ProductServer("Consumer", product.CONSUME, state_folder=servers.folder, settings=consumer_settings)
    return House(
        servers=servers,
        database_url=database_url,
        topology=Topology(prefix),
        api=Api(LOOPBACK, port, state_folder=servers.folder, settings=api_settings),
        consumer=Supervisor(consumer),
        api_counters=api_counters,
        consumer_counters=consumer_counters,
        api_failpoints=api_points,
        consumer_failpoints=consumer_points,
        proxies_if_any=proxies,
    )


def _through(url: str, proxy: Proxy | None) -> str:
    """The same URL by way of the proxy."""
    if proxy is None:
        return url
    parts = urlsplit(url)
    return url.replace(f"@{parts.hostname}:{parts.port}/", f"@{LOOPBACK}:{proxy.port}/")


def _remove(servers: Servers, name: str, topology: Topology) -> None:
    servers.mend()
    connection, channel = connections.open_declared(
        connections.parameters(servers.rabbitmq.url, "chaos", heartbeat_seconds=60), topology
    )
    with connection:
        for queue in topology.queues:
            channel.queue_delete(queue)
        for exchange in (topology.orders_exchange, topology.dead_exchange):
            channel.exchange_delete(exchange)
    with psycopg.connect(servers.postgres.admin_url, autocommit=True) as conn:
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
