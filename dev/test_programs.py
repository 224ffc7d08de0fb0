"""Before `make test`: what the tests need of this machine, installed outside of any test's time."""

import sys
from collections.abc import Callable

from dev import rabbitmq_install
from dev.browser import ensure_browser
from dev.prometheus import ensure_prometheus
from dev.redis_server import ensure_redis
from dev.servers import ServerError

PROGRAMS: list[Callable[[], object]] = [
    rabbitmq_install.ensure_installed,
    ensure_browser,
    ensure_redis,
    ensure_prometheus,
]


def main() -> None:
    """Say what is missing and go on: the tests themselves know whether they can do without."""
    for ensure in PROGRAMS:
        try:
            ensure()
        except ServerError as error:
            print(f"  {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
