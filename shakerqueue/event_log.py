"""The lock on the log of events, and how long it is waited for."""

from typing import Any

from psycopg import Connection

from shakerqueue.queries import order_events
from shakerqueue.telemetry.metrics import EVENT_LOG_LOCK_WAIT, Appended


def lock_event_log(conn: Connection[Any], appended: Appended) -> None:
    """Take the last lock of the transaction; append then, and commit at once."""
    with EVENT_LOG_LOCK_WAIT.labels(appended).time():
        order_events.lock_event_log(conn)
