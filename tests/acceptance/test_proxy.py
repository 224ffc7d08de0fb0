"""docs/operations/nginx.conf with a real nginx before a real API."""

import getpass
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Self

import httpx
import pytest
import trustme

from dev import debian, product
from dev.ports import LOOPBACK, free_ports
from dev.product import ProductServer
from dev.servers import Server, ServerError
from shakerqueue.api.json_bodies import MAX_BODY_BYTES
from shakerqueue.api.order_batches import MAX_BATCH_BYTES
from shakerqueue.api.problems import PROBLEM_TYPE, Problem
from tests.support.bar import Bar, is_ready, sign_in
from tests.support.tours import REPOSITORY, run_part
from tests.support.waiting import eventually

GUIDE = "docs/operations.md"
CONFIGURATION = REPOSITORY / "docs/operations/nginx.conf"
STRANGERS = 140
WHOLE = """
daemon off;
user {user};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/shakerqueue.conf;
}}
"""


class Nginx(Server):
    """nginx over the published configuration; only addresses and paths are others."""

    name = "nginx"

    def __init__(self, folder: Path, upstreams: tuple[int, int], authority: trustme.CA) -> None:
        super().__init__(folder=folder, log_path=folder / "nginx.log")
        self.port, plain_port = free_ports(2)
        text = CONFIGURATION.read_text()
        for published, ours in {
            "127.0.0.1:8081": f"{LOOPBACK}:{upstreams[0]}",
            "127.0.0.1:8082": f"{LOOPBACK}:{upstreams[1]}",
            "listen 443": f"listen {LOOPBACK}:{self.port}",
            "listen 80": f"listen {LOOPBACK}:{plain_port}",
            "/etc/ssl/shakerqueue": str(folder),
        }.items():
            assert published in text
            text = text.replace(published, ours)
        (folder / "shakerqueue.conf").write_text(text)
        (folder / "nginx.conf").write_text(WHOLE.format(folder=folder, user=getpass.getuser()))
        certificate = authority.issue_cert("bar.example", LOOPBACK)
        certificate.private_key_pem.write_to_path(folder / "key.pem")
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(folder / "fullchain.pem", append=True)

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.port}"

    def command(self) -> list[str | Path]:
        """In the foreground."""
        return [debian.ensure_program("nginx"), "-p", self.folder, "-c", self.folder / "nginx.conf"]

    def environment(self) -> dict[str, str]:
        return {}

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.port)) == 0


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Skips the tests where there is no nginx and none can be had."""
    try:
        debian.ensure_program("nginx")
    except ServerError as error:
        pytest.skip(str(error))
    return trustme.CA()


@pytest.fixture(scope="module")
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class Instance(ProductServer):
    """One of several servers of the API."""

    def __init__(self, bar: Bar, port: int) -> None:
        settings = {**bar.environment(port), "WORKERS": "1", "THREADS": "4"}
        super().__init__(f"API-{port}", product.SERVE, state_folder=bar.folder, settings=settings)
        self.port = port

    def answers(self) -> bool:
        with httpx.Client(base_url=f"http://{LOOPBACK}:{self.port}") as client:
            return is_ready(client)


@pytest.fixture(scope="module")
def instances(shared_bar: Bar) -> Iterator[tuple[Instance, Instance]]:
    with ExitStack() as stack:
        first, second = (Instance(shared_bar, port) for port in free_ports(2))
        yield stack.enter_context(first), stack.enter_context(second)


@pytest.fixture(scope="module")
def nginx(
    instances: tuple[Instance, Instance], authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nginx]:
    ports = (instances[0].port, instances[1].port)
    with Nginx(tmp_path_factory.mktemp("nginx"), ports, authority) as nginx:
        yield nginx


@pytest.fixture
def client(nginx: Nginx, trusted: ssl.SSLContext) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=nginx.url, verify=trusted) as client:
        yield client


def test_bodies_that_never_end_keep_nobody_out(nginx: Nginx, client: httpx.Client, trusted: ssl.SSLContext) -> None:
    """Many times as many strangers as the API has threads, each in the middle of what they say."""
    guest = sign_in(client)
    said = (
        b"POST /login HTTP/1.1\r\nHost: bar.example\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
    )
    with ExitStack() as stack:
        for _ in range(STRANGERS):
            plain = socket.create_connection((LOOPBACK, nginx.port))
            stranger = stack.enter_context(trusted.wrap_socket(plain, server_hostname=LOOPBACK))
            stranger.sendall(said)
        for _ in range(20):
            assert 202 == client.post("/orders", json={"recipe": "Margarita"}, headers=guest).status_code


def test_a_stream_comes_through_as_it_is_spoken(client: httpx.Client) -> None:
    staff = sign_in(client, "bartender@example.com")
    with client.stream("GET", "/events", headers={**staff, "Accept": "text/event-stream"}) as stream:
        lines = stream.iter_lines()
        assert "event: ready" in lines
        closes_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        client.patch("/bar", json={"closes_at": closes_at}, headers=staff).raise_for_status()
        assert "event: bar_changed" in lines


def test_a_page_signs_in_over_tls(nginx: Nginx, client: httpx.Client) -> None:
    """The API compares the page's origin with the host that it was asked for."""
    who = {"email": "user@example.com", "password": "password123"}
    assert 200 == client.post("/session", json=who, headers={"Origin": nginx.url}).status_code
    assert 403 == client.post("/session", json=who, headers={"Origin": "https://evil.example"}).status_code


@pytest.mark.parametrize(("path", "longest"), [("/orders", MAX_BODY_BYTES), ("/orders/batch", MAX_BATCH_BYTES)])
def test_a_body_is_as_long_as_the_api_allows(client: httpx.Client, path: str, longest: int) -> None:
    till = {**sign_in(client, "bartender@example.com"), "Content-Type": "application/json"}
    assert 422 == client.post(path, content=b"{}".ljust(longest), headers=till).status_code
    assert_problem(413, client.post(path, content=b"{}".ljust(longest + 1), headers=till))


def assert_problem(status: int, answer: httpx.Response) -> None:
    """It is in the form of the API's own."""
    said = answer.json()
    assert (status, PROBLEM_TYPE) == (answer.status_code, answer.headers["Content-Type"])
    assert Problem(status, said["detail"]).body(said["request_id"]) == said


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_are_not_for_strangers(client: httpx.Client, path: str) -> None:
    assert 404 == client.get(path).status_code


class Orders(threading.Thread):
    """Orders on connections of their own, one after the other, each sent once."""

    def __init__(self, client: httpx.Client, guest: dict[str, str]) -> None:
        super().__init__()
        self.statuses: list[int] = []
        self._client = client
        self._headers = {**guest, "Connection": "close"}
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            answer = self._client.post("/orders", json={"recipe": "Margarita"}, headers=self._headers)
            self.statuses.append(answer.status_code)

    def await_more(self) -> None:
        before = len(self.statuses)
        eventually(lambda: len(self.statuses) > before + 20)


def test_a_rolling_restart_of_two_servers_costs_no_order(
    instances: tuple[Instance, Instance], nginx: Nginx, client: httpx.Client, curl: None
) -> None:
    with Orders(client, sign_in(client)) as orders:
        for instance in instances:
            orders.await_more()
            settings = {
                "PORT": str(instance.port),
                "CONFIGURATION": str(nginx.folder / "shakerqueue.conf"),
                "RELOAD": f"kill -HUP {nginx.pid}",
            }
            run_part(GUIDE, "take-out", settings)
            instance.stop()
            orders.await_more()
            instance.launch()
            run_part(GUIDE, "put-back", settings)
    assert {202} == set(orders.statuses)


class Echo(BaseHTTPRequestHandler):
    """Answers what it was told of the caller. An underscore is a hyphen to the API: WSGI tells them apart no more."""

    def do_GET(self) -> None:
        told = {name.replace("_", "-").lower(): value for name, value in self.headers.items()}
        body = f"{told['x-forwarded-for']} {told['x-forwarded-proto']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_where_no_server_answers_it_is_to_be_tried_again(
    authority: trustme.CA, trusted: ssl.SSLContext, tmp_path: Path
) -> None:
    first, second = free_ports(2)
    with Nginx(tmp_path, (first, second), authority) as nginx:
        answer = httpx.post(f"{nginx.url}/orders", json={"recipe": "Margarita"}, verify=trusted)
    assert "1" == answer.headers["Retry-After"]
    assert_problem(503, answer)


def test_the_api_is_told_the_callers_address_and_not_what_the_caller_says(
    authority: trustme.CA, trusted: ssl.SSLContext, tmp_path: Path
) -> None:
    with HTTPServer((LOOPBACK, 0), Echo) as upstream:
        threading.Thread(target=upstream.handle_request, daemon=True).start()
        with Nginx(tmp_path, (upstream.server_port, upstream.server_port), authority) as nginx:
            spoofed = dict.fromkeys(("X-Forwarded-For", "X_Forwarded_For", "X_Forwarded_Proto"), "203.0.113.7")
            assert f"{LOOPBACK} https" == httpx.get(nginx.url, headers=spoofed, verify=trusted).text
