"""Runs a command of the product against the database of `make run`, or the one that DATABASE_URL names.

`python -m dev.with_database shakerqueue.cli migrate up`: the words after the module's name are its arguments.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev import product, state
from dev.postgres import PrivatePostgres
from dev.servers import ServerError

# Every command reads all settings, but these never talk to a broker.
NO_BROKER = "amqp://unused.invalid"


def main() -> int:
    """Run the command that the arguments name; its exit code is ours."""
    folder = state.folder()
    try:
        with database_url(folder) as url:
            settings = product.environment(folder, DATABASE_URL=url, AMQP_URL=os.environ.get("AMQP_URL") or NO_BROKER)
            return subprocess.run([sys.executable, "-m", *sys.argv[1:]], env=settings, check=False).returncode
    except (ServerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


@contextmanager
def database_url(folder: Path) -> Iterator[str]:
    """The URL to use. The private PostgreSQL runs as long as it is lent, unless `make run` has it running."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    postgres = PrivatePostgres(folder)
    try:
        with state.lock(folder), postgres:
            yield postgres.url
    except state.AlreadyRunningError:
        yield postgres.url


if __name__ == "__main__":
    sys.exit(main())
