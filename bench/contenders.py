"""Who is measured: ShakerQueue's API and the peers, each on a port and on queues of its own, on one broker."""

from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import peer_environment
from bench.queues import Ids, envelope_ids, single_id
from dev import state
from dev.ports import LOOPBACK
from dev.run import Api
from dev.servers import Server
from shakerqueue.messaging.topology import Topology

WORKERS = 2
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

    @property
    def orders_url(self) -> str:
        """Where it takes orders."""
        return f"http://{LOOPBACK}:{self.port}/orders"


class UvicornPeer(Server):
    """A peer under bench/peers/ that is an ASGI application."""

    def __init__(self, module: str, port: int, *, state_folder: Path, settings: dict[str, str]) -> None:
        super().__init__(folder=state.CLONE / "bench" / "peers", log_path=state.log_file(state_folder, module))
        self.name = f"the peer {module}"
        self._module = module
        self._port = port
        self._settings = settings

    def command(self) -> list[str | Path]:
        """uvicorn with as many workers as our own API, and as silent."""
        quiet = ["--no-access-log", "--log-level", "warning"]
        where = ["--host", LOOPBACK, "--port", str(self._port), "--workers", str(WORKERS)]
        return [peer_environment.PYTHON, "-m", "uvicorn", f"{self._module}:app", *where, *quiet]

    def environment(self) -> dict[str, str]:
        """The settings that the peer reads."""
        return self._settings

    def answers(self) -> bool:
        """Whether a worker of it is ready."""
        try:
            answer = httpx.get(f"http://{LOOPBACK}:{self._port}/readyz", timeout=ANSWER_SECONDS)
        except httpx.TransportError:
            return False
        broker_state = answer.json().get("parts", {}).get("broker", "ok")  # ours takes orders without a broker, too
        return answer.status_code == httpx.codes.OK and broker_state == "ok"


def ours(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """Our API as in production: same settings, no request log."""
    environment = {
        **settings,
        "SHAKERQUEUE_ENV": "production",
        "AMQP_PREFIX": prefix,
        "HOST": LOOPBACK,
        "PORT": str(port),
        "WORKERS": str(WORKERS),
        "LOG_LEVEL": "WARNING",
        "RATE_LIMITS": "off",  # one guest orders as fast as they can
    }
    return Contender(
        name=OURS,
        server=Api(LOOPBACK, port, state_folder=folder, settings=environment),
        port=port,
        topology=Topology(prefix),
        ids=envelope_ids,
        packages=OUR_PACKAGES,
    )


def fastapi_aio_pika(folder: Path, settings: dict[str, str], port: int, prefix: str) -> Contender:
    """FastAPI and aio-pika on uvicorn."""
    topology = Topology(prefix)
    environment = {
        **settings,
        "PEER_EXCHANGE": topology.orders_exchange,
        "PEER_QUEUE": topology.orders_queue,
        "PEER_MENU": str(state.CLONE / "seed" / "data" / "recipes.json"),
    }
    return Contender(
        name="FastAPI + aio-pika",
        server=UvicornPeer("fastapi_aio_pika", port, state_folder=folder, settings=environment),
        port=port,
        topology=topology,
        ids=single_id,
        packages=["fastapi", "pydantic", "aio-pika", "uvicorn", "uvloop", "httptools", "pyjwt"],
    )


CONTENDERS = [ours, fastapi_aio_pika]  # ours first: the others are compared with it
