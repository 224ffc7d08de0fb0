"""PostgreSQL: one pool per process, deadlines on the client's side, and driver errors turned into ours, once."""

import select
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from prometheus_client import Gauge
from psycopg import Connection, Error, adapters, errors
from psycopg.abc import PQGen
from psycopg.adapt import AdaptersMap
from psycopg.rows import TupleRow
from psycopg.types.array import ListBinaryDumper
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, ShakerQueueError, Taken, Unavailable
from shakerqueue.telemetry.metrics import DATABASE_FAILURES, POOL_ALLOWED, POOL_CONNECTIONS, POOL_WAITING

CONNECT_TIMEOUT_SECONDS = 3
POOL_WAIT_SECONDS = 1.0
SESSION_OPTIONS = {
    "statement_timeout": "3s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "5s",
    "random_page_cost": "1.1",  # what is asked for was used lately: no plan is to prefer reading years of orders
    "client_connection_check_interval": "100ms",  # else what we gave up goes on, and takes up a connection
    "timezone": "UTC",
}

# Of sessions that store orders and look at nothing else. While a table is small, or was analyzed when it was empty, it
# looks cheaper to read as a whole than by its index, also where a foreign key is checked, and such a plan is kept until
# the table is analyzed again: a backlog would be stored slower with each order. Without jit, for before PostgreSQL 18
# whatever is read as a whole all the same counts as dear enough to be compiled first.
STORING_OPTIONS = {**SESSION_OPTIONS, "enable_seqscan": "off", "jit": "off"}

NOT_MIGRATED = ("42P01", "42703", "42704")  # undefined table, column, other object
CONTENTION = (
    "40001",
    "40P01",
    "55P03",
    "57014",
)  # others are in the way: serialization, deadlock, lock, statement time
DATA_CLASSES = ("22", "23")  # SQLSTATE: data exception, integrity constraint violation

# What is unique for people, and not only for us, by the name of its index.
_UNIQUE_FIELDS = {"users_username_key": "username", "users_email_key": "email"}

T = TypeVar("T")


class DeadlineConnection(Connection[TupleRow]):
    """A connection whose every wait ends at `deadline`.

    The server's own time-outs do not help when its process is stopped or unreachable (SIGSTOP, a silent
    network): only the one who waits can give up. The socket is then in an unknown state, so it is closed.
    """

    deadline: Deadline | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        if self.deadline is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.deadline.remaining_seconds(timeout or float("inf")))
        except errors._WaitTimeout as error:  # noqa: SLF001 - what Connection.wait is documented to raise
            self.pgconn.finish()
            raise errors.OperationalError("no answer before the deadline") from error


class Database:
    """The process's pool. Start it after the fork; connections are opened in the background."""

    def __init__(
        self,
        url: str,
        pool_size: int,
        application_name: str,
        work_seconds: float = 4.0,
        session_options: Mapping[str, str] = SESSION_OPTIONS,
    ) -> None:
        """`work_seconds` bounds a piece of work that brings no deadline of its own."""
        self._work_seconds = work_seconds
        self._pool = ConnectionPool(
            url,
            connection_class=DeadlineConnection,
            kwargs=connection_arguments(application_name, session_options),
            min_size=1,
            max_size=pool_size,
            timeout=POOL_WAIT_SECONDS,
            check=self._check_is_open,
            # A failed attempt is given up at once and the next caller starts another: the pool's own back-off
            # grows without bound, and would outlast an outage by as long as the outage took.
            reconnect_timeout=0,
            open=False,
            name=application_name,
        )

    def start(self) -> None:
        self._pool.open()

    def stop(self) -> None:
        self._pool.close()

    def samples(self) -> dict[Gauge, Callable[[], float]]:
        """How the pool is used, for a `Sampler`."""
        return {
            POOL_CONNECTIONS.labels("in_use"): lambda: self._stat("pool_size") - self._stat("pool_available"),
            POOL_CONNECTIONS.labels("idle"): lambda: self._stat("pool_available"),
            POOL_ALLOWED: lambda: self._pool.max_size,
            POOL_WAITING: lambda: self._stat("requests_waiting"),
        }

    def _stat(self, name: str) -> int:
        return self._pool.get_stats().get(name, 0)

    @contextmanager
    def connection(self, deadline: Deadline | None = None) -> Iterator[DeadlineConnection]:
        """An autocommitting connection for reads.

        Raises:
            Unavailable: the database did not answer in time.
            DataRefused: the database refused the data itself.
        """
        deadline = deadline or Deadline.after(self._work_seconds)
        with _domain_errors(), self._pool.connection(deadline.remaining_seconds(POOL_WAIT_SECONDS)) as conn:
            conn.deadline = deadline
            try:
                yield conn
            finally:
                conn.deadline = None

    @contextmanager
    def transaction(self, deadline: Deadline | None = None) -> Iterator[DeadlineConnection]:
        """One transaction: committed when the block ends, rolled back when it raises. Errors as `connection`.

        After `Unavailable` the outcome of COMMIT may be unknown: what runs in here must bear a repeat.
        """
        with self.connection(deadline) as conn, conn.transaction():
            yield conn

    @contextmanager
    def snapshot(self, deadline: Deadline | None = None) -> Iterator[DeadlineConnection]:
        """A transaction for reads that all see the same state of the data. Errors as `connection`."""
        with self.transaction(deadline) as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield conn

    def _check_is_open(self, conn: Connection[Any]) -> None:
        """Find out, without a round trip, that the server has hung up: an idle connection has nothing else to say.

        Then it has hung up on the other idle ones as well, and all are replaced: the pool itself would find the dead
        ones out one by one, and pauses for a second after the second one.
        """
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        if poll.poll(0):
            conn.close()  # the pool replaces a connection that is closed, and only such a one
            self._pool.drain()
            raise errors.OperationalError("the server closed the connection")

    def ping(self, deadline: Deadline) -> None:
        """Raises Unavailable unless the database answers and can be written to."""
        with self.connection(deadline) as conn:
            [read_only] = conn.execute("SHOW transaction_read_only").fetchone() or ["on"]
        if read_only == "on":
            raise Unavailable("database", "read-only")


@contextmanager
def running_database(url: str, application_name: str, pool_size: int = 1) -> Iterator[Database]:
    """A database for one piece of work, such as a command, stopped afterwards whatever happened."""
    database = Database(url, pool_size, application_name)
    database.start()
    try:
        yield database
    finally:
        database.stop()


def connection_arguments(application_name: str, session_options: Mapping[str, str] = SESSION_OPTIONS) -> dict[str, Any]:
    """How every connection of ours is opened: bounded, and in autocommit until a transaction is asked for."""
    return {
        "autocommit": True,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": application_name,
        "options": " ".join(f"-c {name}={value}" for name, value in session_options.items()),
        "context": _with_binary_arrays(),
    }


def _with_binary_arrays() -> AdaptersMap:
    """psycopg's adapters, but lists are sent in binary: as text a batch of orders costs four times as much."""
    ours = AdaptersMap(adapters)
    ours.register_dumper(list, ListBinaryDumper)
    return ours


@contextmanager
def _domain_errors() -> Generator[None]:
    try:
        yield
    except (PoolTimeout, PoolClosed, Error, UnicodeEncodeError) as error:
        _forget_row(error)
        translated = domain_error(error)
        if translated is None:
            raise
        if isinstance(translated, Unavailable):
            DATABASE_FAILURES.labels(getattr(error, "sqlstate", None) or type(error).__name__).inc()
        raise translated from error


def _forget_row(error: Exception) -> None:
    """Keep what PostgreSQL says first only: its DETAIL may quote the row, hashes and all, and errors end in logs."""
    if isinstance(error, Error) and error.diag.message_primary:
        error.args = (error.diag.message_primary,)


def domain_error(error: Exception) -> ShakerQueueError | None:
    """What a driver error means: the data is refused, or else the database is away; None for any other error.

    Data errors are a closed list (SQLSTATE classes 22 and 23, and what cannot be bound at all), because they are the
    only ones that must not be tried again. All else is the server's present state: that a table or a permission is
    missing, too, passes when the migration or the administrator is done.
    """
    if isinstance(error, UnicodeEncodeError):
        return DataRefused("text that is no valid Unicode")
    if isinstance(error, (PoolTimeout, PoolClosed)):
        return Unavailable("database", "no connection in time")
    if isinstance(error, Error):
        return _of_driver(error)
    return None


def _of_driver(error: Error) -> ShakerQueueError | None:
    sqlstate = error.sqlstate
    if sqlstate is None:
        return _of_client_side(error)
    if sqlstate[:2] in DATA_CLASSES:
        return _refused(error)
    hint = "; run: shakerqueue migrate up" if sqlstate in NOT_MIGRATED else ""
    return Unavailable("database", f"{error.diag.message_primary or error} ({sqlstate}){hint}", sqlstate)


def _refused(error: Error) -> DataRefused:
    constraint = error.diag.constraint_name
    if constraint in _UNIQUE_FIELDS:
        return Taken(_UNIQUE_FIELDS[constraint], constraint)
    return DataRefused(error.diag.message_primary or str(error), constraint)


def _of_client_side(error: Error) -> ShakerQueueError | None:
    if isinstance(error, errors.DataError):  # such as NUL in a text, found while binding
        return DataRefused(str(error))
    if isinstance(error, (errors.OperationalError, errors.InterfaceError)):
        return Unavailable("database", str(error).strip())
    return None
