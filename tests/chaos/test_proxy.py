"""The proxy does to a connection what it was told, and counts it."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from dev.ports import LOOPBACK
from tests.chaos.proxy import Proxy, Way
from tests.support.waiting import eventually

SILENCE_SECONDS = 0.2  # how long nothing must come to count as nothing


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    def handle(self) -> None:
        try:
            while data := self.request.recv(4096):
                self.request.sendall(data)
        except ConnectionError:
            return


class EchoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with EchoServer((LOOPBACK, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Proxy(lambda: int(server.server_address[1])) as proxy:
            yield proxy
        server.shutdown()


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    with connected(proxy) as connection:
        assert b"hello" == exchange(connection, b"hello")
        yield connection


def connected(proxy: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, proxy.port), timeout=5)


def exchange(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return received(connection, len(data))


def received(connection: socket.socket, size: int) -> bytes:
    """That many bytes, or as many as come before the end or a silence."""
    data = b""
    connection.settimeout(5 if size else SILENCE_SECONDS)
    try:
        while len(data) < size and (more := connection.recv(size - len(data))):
            data += more
    except TimeoutError:
        pass
    return data


def is_silent(connection: socket.socket) -> bool:
    connection.settimeout(SILENCE_SECONDS)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    return False


def test_bytes_pass_both_ways_whole_and_in_order(client: socket.socket) -> None:
    data = bytes(range(256)) * 2000
    threading.Thread(target=client.sendall, args=(data,)).start()
    assert data == received(client, len(data))


def test_one_byte_slices_arrive_whole(proxy: Proxy, client: socket.socket) -> None:
    proxy.slice_bytes = 1
    assert b"a whole sentence" == exchange(client, b"a whole sentence")


def test_latency_delays_each_way(proxy: Proxy, client: socket.socket) -> None:
    proxy.latency_seconds = 2 * SILENCE_SECONDS
    client.sendall(b"x")
    assert is_silent(client)
    assert b"x" == received(client, 1)


def test_a_reset_is_seen_as_one(proxy: Proxy, client: socket.socket) -> None:
    assert 1 == proxy.reset()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert 1 == proxy.passed.resets


def test_a_close_is_an_orderly_end(proxy: Proxy, client: socket.socket) -> None:
    assert 1 == proxy.close()
    assert b"" == client.recv(1)


def test_a_blackhole_to_the_client_lets_the_server_hear(proxy: Proxy, client: socket.socket) -> None:
    proxy.blackhole(Way.TO_CLIENT)
    client.sendall(b"lost echo")
    assert is_silent(client)
    assert {Way.TO_CLIENT: len(b"lost echo")} == +proxy.dropped_bytes
    assert 1 == proxy.open_connections


def test_a_blackhole_to_the_server_keeps_the_connection(proxy: Proxy, client: socket.socket) -> None:
    proxy.blackhole(Way.TO_SERVER)
    client.sendall(b"unheard")
    assert is_silent(client)
    assert {Way.TO_SERVER: len(b"unheard")} == +proxy.dropped_bytes

    proxy.heal()
    assert b"heard" == exchange(client, b"heard")


@pytest.mark.parametrize("pieces", [[b"go on COMMIT;"], [b"go on COM", b"MIT;"]], ids=["in one piece", "in two"])
def test_a_trap_swallows_the_answer_to_a_pattern(proxy: Proxy, client: socket.socket, pieces: list[bytes]) -> None:
    proxy.set_trap(b"COMMIT;", drop=Way.TO_CLIENT)
    for piece in pieces[:-1]:
        assert piece == exchange(client, piece)
    client.sendall(pieces[-1])

    assert is_silent(client)
    assert 1 == proxy.passed.traps_sprung
    assert len(pieces[-1]) == proxy.dropped_bytes[Way.TO_CLIENT]
    with connected(proxy) as another:
        assert b"COMMIT;" == exchange(another, b"COMMIT;")  # it caught one connection, once


def test_a_trap_swallows_the_pattern_and_all_after_it(proxy: Proxy, client: socket.socket) -> None:
    proxy.set_trap(b"ACK", drop=Way.TO_SERVER)
    client.sendall(b"before ACK after")
    assert b"before " == received(client, 7)
    client.sendall(b"more")
    assert is_silent(client)
    assert len(b"ACK aftermore") == proxy.dropped_bytes[Way.TO_SERVER]


def test_a_shut_proxy_turns_everybody_away(proxy: Proxy, client: socket.socket) -> None:
    proxy.shut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionResetError), connected(proxy) as another:
        another.recv(1)
    assert 1 == proxy.passed.turned_away

    proxy.heal()
    with connected(proxy) as healed:
        assert b"welcome" == exchange(healed, b"welcome")


def test_an_end_of_the_client_reaches_the_server(proxy: Proxy) -> None:
    with connected(proxy) as connection:
        assert b"bye" == exchange(connection, b"bye")
    eventually(lambda: proxy.open_connections == 0)
