"""Schema migrations: yoyo over sql/schema, one runner at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import yoyo
from psycopg.errors import LockNotAvailable
from psycopg.rows import TupleRow
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration, MigrationList

from shakerqueue.database import CONNECT_TIMEOUT_SECONDS
from shakerqueue.errors import Unavailable

SCHEMA_FOLDER = Path(__file__).parent.parent / "sql" / "schema"
ADVISORY_LOCK = 20260000  # only a name; order_events.sql uses the next one
# Whoever uses the table waits behind a migration that waits for it, so that is short: then it lets them all pass.
LOCK_WAIT_SECONDS = 0.5
LOCK_PAUSE_SECONDS = 1.0
LOCK_PATIENCE_SECONDS = 60.0


def migrate_up(database_url: str) -> list[str]:
    """Apply what is not applied yet and return the ids of that."""
    with _sole_runner(database_url) as (backend, migrations):
        missing = backend.to_apply(migrations)
        for migration in missing:
            _run_step(backend, migration, "apply", backend.mark_one)
        return [migration.id for migration in missing]


def migrate_down(database_url: str, steps: int | None) -> list[str]:
    """Roll back the last `steps` migrations, or all of them, and return their ids."""
    with _sole_runner(database_url) as (backend, migrations):
        applied = backend.to_rollback(migrations)
        chosen = applied[:steps] if steps is not None else applied
        for migration in chosen:
            _run_step(backend, migration, "rollback", backend.unmark_one)
        return [migration.id for migration in chosen]


def migration_status(database_url: str) -> dict[str, bool]:
    """Every migration's id, in order, and whether it is applied."""
    with _sole_runner(database_url) as (backend, migrations):
        missing = {migration.id for migration in backend.to_apply(migrations)}
        return {migration.id: migration.id not in missing for migration in migrations}


def _run_step(backend: DatabaseBackend, migration: Migration, direction: str, note: Callable[..., None]) -> None:
    """Try until nobody is in the way, such as a backup that is being made.

    Raises:
        Unavailable: somebody was, all the time; nothing was changed.
    """
    backend.ensure_internal_schema_updated()
    give_up_at = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            _try_step(backend, migration, direction, note)
        except LockNotAvailable as error:
            if time.monotonic() > give_up_at:
                raise Unavailable("database", f"{migration.id} found its tables in use", error.sqlstate) from error
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return


def _try_step(backend: DatabaseBackend, migration: Migration, direction: str, note: Callable[..., None]) -> None:
    """A migration and the note of it in one transaction: yoyo's own way has two, and a kill fits between them."""
    with backend.transaction():
        migration.process_steps(backend, direction)
        backend.log_migration(migration, direction)
        note(migration, log=False)


@contextmanager
def _sole_runner(database_url: str) -> Iterator[tuple[DatabaseBackend, MigrationList]]:
    """yoyo keeps its lock as a row, which a killed run leaves behind for ever.

    Ours is a session's advisory lock, which ends with its holder; whoever has it may clear such a row.
    """
    with _connected(database_url) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        backend = yoyo.get_backend(_yoyo_url(conn))
        try:
            backend.break_lock()
            yield backend, yoyo.read_migrations(str(SCHEMA_FOLDER))
        finally:
            backend.connection.close()


def _connected(database_url: str) -> psycopg.Connection[TupleRow]:
    """A connection that bears waiting: for another runner, and for a migration that takes its time."""
    name = "shakerqueue-migrate"
    try:
        return psycopg.connect(
            database_url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS, application_name=name
        )
    except psycopg.OperationalError as error:
        raise Unavailable("database", str(error).strip()) from error


def _yoyo_url(conn: psycopg.Connection[TupleRow]) -> str:
    """The server that `conn` has reached, as yoyo wants it: it knows one host only, and picks its driver by scheme."""
    info = conn.info
    host = f"[{info.host}]" if ":" in info.host else quote(info.host, safe="")
    user, password, name = (quote(part, safe="") for part in (info.user, info.password, info.dbname))
    options = {name: value for name, value in info.get_parameters().items() if name.startswith("ssl")}
    options["options"] = f"-c lock_timeout={LOCK_WAIT_SECONDS * 1000:.0f}"
    return f"postgresql+psycopg://{user}:{password}@{host}:{info.port}/{name}?{urlencode(options, quote_via=quote)}"
