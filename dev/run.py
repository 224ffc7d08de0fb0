"""`make run`: the whole of ShakerQueue on this machine until Ctrl-C, its data kept for the next time."""

import http.client
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Never

from dev import product, state
from dev.ports import LOOPBACK, bind_error, kept_ports, recorded_ports
from dev.postgres import PrivatePostgres
from dev.product import ProductServer, run_once
from dev.rabbitmq import PrivateRabbitMQ, ensure_installed
from dev.servers import Server, ServerError

STOP_SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
WATCH_SECONDS = 0.2
ANSWER_SECONDS = 2.0
ANYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - to listen on all addresses is the user's choice
PARTS_WITH_METRICS = ("API", "consumer", "webhooks")
METRICS_PORTS = "metrics-ports.json"  # in the state folder
NO_BROKER = "off"  # what AMQP_URL says then
MANY_CONNECTIONS = {"max_connections": "400"}  # a pool for each of the API's workers, one worker for each core
SIGN_INS = """\
  Pages          {url}/ for guests, {url}/board for the bar, {url}/manager
  Sign in as     admin@example.com, bartender@example.com or user@example.com; the password is password123
  Try            curl {url}/login -H 'Content-Type: application/json' \\
                   -d '{{"email": "user@example.com", "password": "password123"}}'
"""


class AddressError(RuntimeError):
    """HOST and PORT name nothing to listen on."""


class Api(ProductServer):
    """The HTTP API, which is ready when it says so itself."""

    start_seconds = 60.0

    def __init__(self, host: str, port: int, *, state_folder: Path, settings: dict[str, str]) -> None:
        super().__init__("API", product.SERVE, state_folder=state_folder, settings=settings)
        self.host = ANYWHERE.get(host, host)
        self.port = port

    @property
    def url(self) -> str:
        """Where to reach it from this machine."""
        return local_url(self.host, str(self.port))

    def answers(self) -> bool:
        """Whether `/readyz` says that every part is well."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return bool(json.load(connection.getresponse())["status"] == "ready")
        except (OSError, http.client.HTTPException, ValueError):
            return False
        finally:
            connection.close()


def local_url(host: str, port: str) -> str:
    """How to reach from this machine what listens there."""
    host = ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Parts(ExitStack):
    """All that runs. Left by whatever way, it ends its parts, the last one first."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[Server] = []

    def launch(self, server: Server) -> None:
        """Start a part without waiting for it."""
        self.callback(server.stop)  # before the start: an interruption may come at any point of it
        server.launch()
        self.running.append(server)

    def watch(self) -> Never:
        """Wait for a signal.

        Raises:
            ServerError: a part ended by itself.
        """
        while True:
            for server in self.running:
                if server.exit_code is not None:
                    raise ServerError(server.failure())
            time.sleep(WATCH_SECONDS)


def timed_line(name: str, what: str, since: float) -> None:
    """Print one line of progress."""
    print(f"  {name:<24} {what} ({time.monotonic() - since:.1f} s)", flush=True)


def main() -> int:
    """Run until a signal (exit code 0) or until a part fails (1)."""
    interrupt_on_signals()
    try:
        supervise(state.folder())
    except KeyboardInterrupt:
        print("Stopped; the data is kept.", flush=True)
        return 0
    except (AddressError, ServerError, state.AlreadyRunningError, OSError) as error:
        print(f"make run: {error}", file=sys.stderr)
        return 1


def interrupt_on_signals() -> None:
    """Turn each stop signal into KeyboardInterrupt, once: a second one must not break off the shutdown."""

    def interrupt(_number: int, _frame: FrameType | None) -> Never:
        ignore_signals()
        raise KeyboardInterrupt

    for number in STOP_SIGNALS:
        ignored = signal.getsignal(number) is signal.SIG_IGN
        if number != signal.SIGHUP or not ignored:  # nohup
            signal.signal(number, interrupt)


def ignore_signals() -> None:
    """From now on nothing breaks off the shutdown."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def supervise(folder: Path) -> Never:
    """Start everything, say where it is, and watch over it. Raises as `running`, and ServerError if a part fails."""
    with running(folder) as (parts, api):
        print(f"ShakerQueue runs at {api.url}\n{SIGN_INS.format(url=api.url)}", end="")
        print(f"  Metrics        {metrics_line(folder)}")
        print(f"  Logs           {folder / 'logs'}\n  Ctrl-C ends it and keeps the data.", flush=True)
        parts.callback(print, "Stopping …", flush=True)
        parts.watch()


def metrics_line(folder: Path) -> str:
    """Where each part tells its metrics."""
    ports = dict(zip(PARTS_WITH_METRICS, recorded_ports(folder / METRICS_PORTS), strict=True))
    return ", ".join(f"http://{LOOPBACK}:{port}/metrics ({part})" for part, port in ports.items())


@contextmanager
def running(folder: Path) -> Iterator[tuple[Parts, Api]]:
    """Everything, started and ready; all of it is ended afterwards, and its data is kept.

    Raises:
        AddressError: nothing can listen on HOST and PORT.
        AlreadyRunningError: another supervisor runs on this state.
        ServerError: a part failed while starting.
    """
    with state.lock(folder):
        host, port = address(os.environ)
        amqp_url = given_broker()
        print(f"ShakerQueue is starting; its data and logs lie in {folder}", flush=True)
        with Parts() as parts:
            yield parts, start(parts, folder, host, port, amqp_url)


def given_broker() -> str | None:
    """AMQP_URL; `off` where no RabbitMQ can be had; None for a private one, installed by now."""
    if given := os.environ.get("AMQP_URL"):
        return given
    try:
        ensure_installed()
    except ServerError as error:
        print(f"{error}.\nUntil then it runs without a broker: the API stores each order itself.", flush=True)
        return NO_BROKER
    return None


def wanted_address(environment: Mapping[str, str]) -> tuple[str, str]:
    """HOST and PORT as they are given, or what they are by default."""
    return environment.get("HOST") or LOOPBACK, environment.get("PORT") or "8080"


def address(environment: Mapping[str, str]) -> tuple[str, int]:
    """HOST and PORT, seen to be free before anything is started.

    Raises:
        AddressError: they are not, or PORT is no port.
    """
    host, text = wanted_address(environment)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise AddressError(f"PORT={text} is not a port number (1 to 65535)")
    if problem := bind_error(host, int(text)):
        raise AddressError(f"cannot listen on {host}:{text}: {problem}; choose another with PORT=… make run")
    return host, int(text)


def start(parts: Parts, folder: Path, host: str, port: int, amqp_url: str | None) -> Api:
    """Start every part. RabbitMQ takes longest by far, so all that does not need it goes on meanwhile."""
    began = time.monotonic()
    postgres = launch_postgres(parts, folder)
    rabbitmq = None if amqp_url else launch_rabbitmq(parts, folder)
    wait_ready(postgres, began)
    settings = product.environment(
        folder,
        DATABASE_URL=postgres.url if postgres else os.environ["DATABASE_URL"],
        AMQP_URL=amqp_url or (rabbitmq.url if rabbitmq else NO_BROKER),
        HOST=host,
        PORT=str(port),
        WEBHOOK_ALLOW_PRIVATE=os.environ.get("WEBHOOK_ALLOW_PRIVATE", "true"),  # who tries it out listens here
    )
    prepare_database(folder, settings)
    wait_ready(rabbitmq, began)
    return start_product(parts, folder, settings)


def launch_postgres(parts: Parts, folder: Path) -> PrivatePostgres | None:
    """Start the private PostgreSQL without waiting for it, unless DATABASE_URL names another."""
    if os.environ.get("DATABASE_URL"):
        return None
    postgres = PrivatePostgres(folder, settings=MANY_CONNECTIONS)
    parts.launch(postgres)
    return postgres


def launch_rabbitmq(parts: Parts, folder: Path) -> PrivateRabbitMQ:
    """Start the private node without waiting for it."""
    rabbitmq = PrivateRabbitMQ(folder)
    parts.launch(rabbitmq)
    return rabbitmq


def wait_ready(server: Server | None, began: float) -> None:
    """Wait for a part of ours, and say how long it took."""
    if server:
        server.wait_ready()
        timed_line(server.name, "ready", began)


def prepare_database(folder: Path, settings: dict[str, str]) -> None:
    """Migrate and seed."""
    for name, words, done in [
        ("migrate", product.MIGRATE, "schema up to date"),
        ("seed", product.SEED, "loaded"),
    ]:
        began = time.monotonic()
        run_once(name, words, state_folder=folder, settings=settings)
        timed_line(name, done, began)


def start_product(parts: Parts, folder: Path, settings: dict[str, str]) -> Api:
    """Start what works behind the API (a consumer, if there is a broker), and the API; wait for it.

    It is the last to start and the first to end.
    """
    began = time.monotonic()
    name = "API, webhooks" if settings["AMQP_URL"] == NO_BROKER else "API, consumer, webhooks"
    of_api, of_consumer, of_webhooks = ({**settings, "METRICS_PORT": str(port)} for port in metrics_ports(folder))
    parts.launch(ProductServer("Webhooks", product.SEND_WEBHOOKS, state_folder=folder, settings=of_webhooks))
    if settings["AMQP_URL"] != NO_BROKER:
        parts.launch(ProductServer("Consumer", product.CONSUME, state_folder=folder, settings=of_consumer))
    api = Api(settings["HOST"], int(settings["PORT"]), state_folder=folder, settings=of_api)
    parts.launch(api)
    api.wait_ready()
    timed_line(name, "ready", began)
    return api


def metrics_ports(folder: Path) -> list[int]:
    """One for each of PARTS_WITH_METRICS: METRICS_PORT and the next ones, or such as are free; written down.

    Raises:
        AddressError: METRICS_PORT is no port.
    """
    given = os.environ.get("METRICS_PORT")
    count, path = len(PARTS_WITH_METRICS), folder / METRICS_PORTS
    if not given:
        return kept_ports(path, count)
    if not given.isascii() or not given.isdigit() or not 0 < int(given) <= 2**16 - count:
        raise AddressError(f"METRICS_PORT={given} is not a port number with {count - 1} more above it")
    ports = list(range(int(given), int(given) + count))
    path.write_text(json.dumps(ports))
    return ports


if __name__ == "__main__":
    sys.exit(main())
