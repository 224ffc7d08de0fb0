"""Who is measured: ShakerQueue's API and the peers, each on a port and on queues of its own, on one broker."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import peer_environment
from bench.queues import Ids, envelope_ids, single_id, task_id
from dev import state
from dev.ports import LOOPBACK
from dev.run import Api
from dev.servers import Server
from shakerqueue.messaging.topology import Topology

WORKERS = 2
THREADS = 32  # of each process, where a request holds one
ANSWER_SECONDS = 2.0
OURS = "ShakerQueue"
OUR_PACKAGES = ["flask", "flask-smorest", "granian", "msgspec", "pika", "psycopg", "pyjwt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One of those who are measured."""

    name: str
    server: Server
    port: int
    topology: Topology
    ids: Ids  # of the orders in one message of its queue
    packages: list[str]
    publishes: bool = True

    @property
    def url(self) -> str:
        """Where to reach it."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def orders_url(self) -> str:
        """Where it takes orders."""
        return f"{self.url}/orders"


class Peer(Server):
    """A peer under bench/peers/, as many processes of it as of our own API."""

    def __init__(self, module: str, serve: list[str], port: int, *, folder: Path, settings: dict[str, str]) -> None:
        super().__init__(folder=state.CLONE / "bench" / "peers", log_path=state.log_file(folder, module))
        self.name = f"the peer {module}"
        self._serve = serve
        self._port = port
        self._settings = settings

    def command(self) -> list[str | Path]:
        """The peer's own server, run as a module."""
        return [peer_environment.PYTHON, "-m", *self._serve]

    def environment(self) -> dict[str, str]:
        """The settings that the peer reads."""
        return self._settings

    def answers(self) -> bool:
        """Whether a worker of it is ready."""
        try:
            answer = httpx.get(f"http://{LOOPBACK}:{self._port}/readyz", timeout=ANSWER_SECONDS)
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK


class IntakeApi(Api):
    """Our API where nobody consumes: ready as soon as it takes orders by the broker."""

    def answers(self) -> bool:
        """Whether a worker of it is ready."""
        try:
            readiness = httpx.get(f"{self.url}/readyz", timeout=ANSWER_SECONDS).json()
        except (httpx.TransportError, ValueError):
            return False
        return bool(readiness["intake"] and readiness["parts"]["broker"] == "ok")


class UnpublishedApi(IntakeApi):
    """Our API with the publish taken out."""

    def command(self) -> list[str | Path]:
        """The server, over another application."""
        return [sys.executable, "-m", "bench.unpublished"]


def ours(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """Our API as in production."""
    return Contender(
        name=OURS,
        server=IntakeApi(LOOPBACK, port, state_folder=folder, settings=our_settings(settings, port, prefix)),
        port=port,
        topology=Topology(prefix),
        ids=envelope_ids,
        packages=OUR_PACKAGES,
    )


def unpublished(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """The same with the publish taken out: what is left is what one could win by a better one."""
    return Contender(
        name="the same, nothing published",
        server=UnpublishedApi(LOOPBACK, port, state_folder=folder, settings=our_settings(settings, port, prefix)),
        port=port,
        topology=Topology(prefix),
        ids=envelope_ids,
        packages=OUR_PACKAGES,
        publishes=False,
    )


def our_settings(settings: dict[str, str], port: int, prefix: str) -> dict[str, str]:
    """Those of production, without a request log."""
    return {
        **settings,
        "AMQP_PREFIX": prefix,
        "HOST": LOOPBACK,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "THREADS": str(THREADS),
        "LOG_LEVEL": "WARNING",
        "RATE_LIMITS": "off",  # one guest orders as fast as they can
    }


def fastapi_aio_pika(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """FastAPI and aio-pika on uvicorn, silent as our own API."""
    where = ["--host", LOOPBACK, "--port", str(port), "--workers", str(WORKERS)]
    serve = ["uvicorn", "fastapi_aio_pika:app", *where, "--no-access-log", "--log-level", "warning"]
    topology = Topology(prefix)
    return Contender(
        name="FastAPI + aio-pika",
        server=Peer("fastapi_aio_pika", serve, port, folder=folder, settings=_peer_settings(settings, topology)),
        port=port,
        topology=topology,
        ids=single_id,
        packages=["fastapi", "pydantic", "aio-pika", "uvicorn", "uvloop", "httptools", "pyjwt"],
    )


def flask_dramatiq(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """Flask and dramatiq on gunicorn, with as many threads as our own API."""
    threads = ["--worker-class", "gthread", "--threads", str(THREADS)]
    where = ["--bind", f"{LOOPBACK}:{port}", "--workers", str(WORKERS), *threads]
    serve = ["gunicorn", "flask_dramatiq:app", *where, "--log-level", "warning"]
    topology = Topology(prefix)
    return Contender(
        name="Flask + dramatiq",
        server=Peer("flask_dramatiq", serve, port, folder=folder, settings=_peer_settings(settings, topology)),
        port=port,
        topology=topology,
        ids=task_id,
        packages=["flask", "pydantic", "dramatiq", "pika", "gunicorn", "pyjwt"],
    )


def _peer_settings(settings: dict[str, str], topology: Topology) -> dict[str, str]:
    menu = str(state.CLONE / "seed" / "data" / "recipes.json")
    names = {"PEER_EXCHANGE": topology.orders_exchange, "PEER_QUEUE": topology.orders_queue, "PEER_MENU": menu}
    return {**settings, **names}


CONTENDERS = [ours, unpublished, fastapi_aio_pika, flask_dramatiq]  # ours first: the others are compared with it
