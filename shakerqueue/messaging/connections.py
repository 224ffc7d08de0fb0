"""How our AMQP connections are opened: bounded in every wait, against one or several hosts."""

from pika import BlockingConnection, URLParameters
from pika.adapters.blocking_connection import BlockingChannel
from pika.adapters.utils.connection_workflow import AMQPConnectorException
from pika.exceptions import AMQPConnectionError

from shakerqueue.messaging.topology import Topology, declare

CONNECT_TIMEOUT_SECONDS = 3.0
BLOCKED_CONNECTION_SECONDS = 5.0
API_HEARTBEAT_SECONDS = 10
CONSUMER_HEARTBEAT_SECONDS = 30


def parameters(amqp_url: str, name: str, heartbeat_seconds: int) -> list[URLParameters]:
    """Connection parameters for each of the comma-separated URLs; `name` is what the broker shows."""
    return [_bounded(URLParameters(url.strip()), name, heartbeat_seconds) for url in amqp_url.split(",")]


def publisher_parameters(amqp_url: str) -> list[URLParameters]:
    """For the API's publisher: in an alarm it keeps its connection, and so hears at once when the alarm is over."""
    hosts = parameters(amqp_url, "shakerqueue-publisher", API_HEARTBEAT_SECONDS)
    for host in hosts:
        host.blocked_connection_timeout = None
    return hosts


def _bounded(url: URLParameters, name: str, heartbeat_seconds: int) -> URLParameters:
    if url.heartbeat is None:  # the URL may ask for another: ?heartbeat=5
        url.heartbeat = heartbeat_seconds
    url.blocked_connection_timeout = BLOCKED_CONNECTION_SECONDS
    url.socket_timeout = CONNECT_TIMEOUT_SECONDS
    url.stack_timeout = CONNECT_TIMEOUT_SECONDS
    url.connection_attempts = 1  # who reconnects is our own loops, with their own pauses
    url.client_properties = {"connection_name": name}
    return url


def open_connection(hosts: list[URLParameters]) -> BlockingConnection:
    """A blocking connection to the first host that takes it.

    Raises:
        pika.exceptions.AMQPError: none does.
    """
    try:
        return BlockingConnection(hosts)
    except AMQPConnectorException as error:  # such as a handshake without an answer; pika raises it bare
        raise AMQPConnectionError(repr(error)) from error


def open_declared(hosts: list[URLParameters], topology: Topology) -> tuple[BlockingConnection, BlockingChannel]:
    """A blocking connection with a channel on which the topology has just been declared.

    Raises:
        pika.exceptions.AMQPError: no host could be reached, or a declaration was refused.
    """
    connection = open_connection(hosts)
    try:
        channel = connection.channel()
        declare(channel, topology)
    except BaseException:
        if connection.is_open:
            connection.close()
        raise
    return connection, channel
