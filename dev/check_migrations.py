"""Checks that the migrations go up, down and up again, to the same schema, on a server made for it."""

import difflib
import os
import subprocess
import sys

import psycopg

from dev import product, state
from dev.postgres import PrivatePostgres
from dev.servers import ServerError
from dev.with_database import NO_BROKER

# Tables, views and sequences; types, but not the row types of tables; functions.
LEFT_OVER = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
    UNION ALL
    SELECT typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'r')
    UNION ALL
    SELECT proname FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1
"""


def main() -> int:
    """Exit code 0 when the schema comes back the same and nothing stays behind."""
    try:
        with state.temporary() as folder, PrivatePostgres(folder, durable=False) as postgres:
            problems = check(postgres, product.environment(folder, DATABASE_URL=postgres.url, AMQP_URL=NO_BROKER))
    except (ServerError, subprocess.CalledProcessError) as error:
        problems = [str(error)]
    print("\n".join(problems) or "migrations: up, down and up again give the same schema")
    return 1 if problems else 0


def check(postgres: PrivatePostgres, settings: dict[str, str]) -> list[str]:
    """What is wrong, in words."""
    migrate(settings, "up")
    first = schema(postgres)
    migrate(settings, "down", "--all")
    left = [name for name in objects(postgres) if not name.startswith(("yoyo_", "_yoyo_"))]
    migrate(settings, "up")
    problems = [f"migrations: `migrate down --all` leaves {name}" for name in left]
    return problems + list(difflib.unified_diff(first, schema(postgres), "first up", "second up", lineterm=""))


def migrate(settings: dict[str, str], *words: str) -> None:
    """Run `shakerqueue migrate …`.

    Raises:
        CalledProcessError: it failed; what it wrote stands on the terminal.
    """
    command = [sys.executable, "-m", "shakerqueue.cli", "migrate", *words]
    subprocess.run(command, cwd=state.CLONE, env=settings, stdout=subprocess.DEVNULL, check=True)


def schema(postgres: PrivatePostgres) -> list[str]:
    """The schema as pg_dump writes it, without the token that it makes up anew each time."""
    command = [str(postgres.program("pg_dump")), "--schema-only", postgres.url]
    dump = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=True).stdout
    return [line for line in dump.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def objects(postgres: PrivatePostgres) -> list[str]:
    """The names of everything in the schema."""
    with psycopg.connect(postgres.url) as connection:
        return [str(name) for (name,) in connection.execute(LEFT_OVER)]


if __name__ == "__main__":
    sys.exit(main())
