"""`make fuzz`: starts the product on private servers, and sends it what schemathesis makes up.

SEED=7 chooses what is made up, REQUESTS=50000 the least number of requests, SMALL=1 a few hundred.
"""

import importlib.metadata
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from bench.machine import this_machine
from dev.rabbitmq import ensure_installed
from dev.run import interrupt_on_signals
from dev.servers import ServerError
from tests.chaos.house import House, opened
from tests.chaos.results import product_digest
from tests.chaos.servers import running
from tests.fuzz import results
from tests.fuzz.fuzzing import SMALL, Size
from tests.fuzz.report import failures, overview, table
from tests.fuzz.results import RunResult
from tests.fuzz.run import run
from tests.fuzz.target import Target

USUAL_SEED = 20261123
USUAL_REQUESTS = 10_000


class WrongSetting(ValueError):
    """SEED or REQUESTS is no number."""


class Order(NamedTuple):
    """What the caller of `make fuzz` wants."""

    seed: int
    requests: int
    size: Size

    @property
    def command(self) -> str:
        """What makes the same run again."""
        small = " SMALL=1" if self.size == SMALL else ""
        return f"make fuzz SEED={self.seed} REQUESTS={self.requests}{small}"


def main() -> int:
    """Exit code 0 when no answer was wrong."""
    interrupt_on_signals()
    try:
        order = ordered(os.environ)
        print(f"{order.command}: schemathesis {_version()}", flush=True)
        result = carry_out(order)
    except KeyboardInterrupt:
        print("\nStopped.", flush=True)
        return 1
    except (WrongSetting, ServerError, OSError) as error:
        print(f"make fuzz: {error}", file=sys.stderr)
        return 1
    if order.size != SMALL:
        results.write(result)
    print(table(result), overview(result), *failures(result), sep="\n\n", flush=True)
    return 0 if result.passed else 1


def ordered(environment: Mapping[str, str]) -> Order:
    """What SEED, REQUESTS and SMALL say.

    Raises:
        WrongSetting: one of the first two is no number.
    """
    small = bool(environment.get("SMALL"))
    seed = _number(environment, "SEED", USUAL_SEED)
    requests = _number(environment, "REQUESTS", 1 if small else USUAL_REQUESTS)
    return Order(seed, requests, SMALL if small else Size())


def _number(environment: Mapping[str, str], name: str, usual: int) -> int:
    given = environment.get(name) or str(usual)
    if not given.isascii() or not given.isdigit():
        raise WrongSetting(f"{name}={given} is no number")
    return int(given)


def carry_out(order: Order) -> RunResult:
    """Start everything, and send the requests.

    Raises:
        ServerError: a part did not start.
    """
    ensure_installed()
    machine, product = this_machine(), product_digest()
    with running() as servers, opened(servers) as house:
        callers = run(target_of(house), seed=order.seed, size=order.size, requests=order.requests, progress=say)
    return RunResult(
        ended_at=datetime.now(UTC),
        command=order.command,
        seed=order.seed,
        schemathesis=_version(),
        product=product,
        machine=machine,
        callers=callers,
    )


def target_of(house: House) -> Target:
    """The bar in this house."""
    return Target(house.api.url, house.database_url, house.servers.rabbitmq.url, house.topology)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def _version() -> str:
    return importlib.metadata.version("schemathesis")


if __name__ == "__main__":
    sys.exit(main())
