"""What the till knows, on its own disk: its checks, and what it was told of them. Any process may open it."""

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from .news import WHOLE_ORDER, News

BUSY_SECONDS = 5.0
HEARD_SECONDS = 30 * 24 * 3600  # the bar forgets its messages by then

SCHEMA = """
CREATE TABLE IF NOT EXISTS checks (
    number INTEGER PRIMARY KEY,
    external_id TEXT NOT NULL,
    ticket TEXT,
    key TEXT NOT NULL UNIQUE,   -- the Idempotency-Key: chosen before the first attempt, the same in every one
    body TEXT NOT NULL,         -- what is sent, as it is sent: under the same key it must stay the same
    state TEXT NOT NULL DEFAULT 'unsent',
    problem TEXT,               -- refused: why
    order_id TEXT,              -- accepted: the bar's name for it
    placed_at TEXT,             -- by the bar's clock
    drinks TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS checks_order_id ON checks (order_id);
CREATE INDEX IF NOT EXISTS checks_state ON checks (state);

-- What was told last. It may come before the answer to the order itself, so it does not refer to a check.
CREATE TABLE IF NOT EXISTS told (
    order_id TEXT NOT NULL,
    number INTEGER NOT NULL,    -- of the drink; 0: the order as a whole
    status TEXT NOT NULL,
    reason TEXT,
    place INTEGER NOT NULL,     -- in the bar's log: what was told of an earlier one is old
    PRIMARY KEY (order_id, number)
);
CREATE TABLE IF NOT EXISTS heard (webhook_id TEXT PRIMARY KEY, heard_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS heard_heard_at ON heard (heard_at);
CREATE TABLE IF NOT EXISTS feed (one INTEGER PRIMARY KEY CHECK (one = 1), place INTEGER NOT NULL);
"""

OPEN = """
SELECT checks.* FROM checks
LEFT JOIN told ON told.order_id = checks.order_id AND told.number = 0
WHERE checks.state = 'accepted' AND coalesce(told.status, 'queued') NOT IN ('complete', 'failed', 'canceled')
"""

TELL = """
INSERT INTO told (order_id, number, status, reason, place) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (order_id, number) DO UPDATE
SET status = excluded.status, reason = excluded.reason, place = excluded.place
WHERE excluded.place >= told.place
"""


class CheckState(StrEnum):
    """What the till knows of the sending of a check."""

    UNSENT = "unsent"  # not sent, or sent without an answer: the bar may have it
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True)
class Check:
    """A check, and what the bar said when it was sent."""

    number: int
    external_id: str
    ticket: str | None
    key: str
    body: str
    state: CheckState
    problem: str | None
    order_id: str | None
    placed_at: str | None
    drinks: list[str]


class Store:
    """The till's database. A context manager."""

    def __init__(self, path: Path, till: str | None = None) -> None:
        self._till = till or os.environ.get("TILL", "till-1")
        self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")  # a check outlives a power cut
        self._db.executescript(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Checks

    def write_down(self, order: dict[str, Any]) -> Check:
        """A new check, with the key that it will be sent under. Only what is on the disk may be sent."""
        with self.transaction():
            [number] = self._db.execute("SELECT coalesce(max(number), 0) + 1 FROM checks").fetchone()
            external_id = f"{self._till}-{number}"
            body = json.dumps({**order, "external_id": external_id}, ensure_ascii=False)
            # Random, and not the number: a till that was set up anew would begin at 1, and meet its old orders.
            self._db.execute(
                "INSERT INTO checks (number, external_id, ticket, key, body) VALUES (?, ?, ?, ?, ?)",
                (number, external_id, order.get("ticket"), uuid4().hex, body),
            )
        return self.check(number)

    def check(self, number: int) -> Check:
        return _check(self._db.execute("SELECT * FROM checks WHERE number = ?", (number,)).fetchone())

    def check_of_order(self, order_id: str) -> Check | None:
        row = self._db.execute("SELECT * FROM checks WHERE order_id = ?", (order_id,)).fetchone()
        return _check(row) if row else None

    def unsent(self) -> list[Check]:
        """Those that have no certain answer, in the order in which they were written down."""
        return [_check(row) for row in self._db.execute("SELECT * FROM checks WHERE state = 'unsent' ORDER BY number")]

    def open_checks(self) -> list[Check]:
        """Those that the bar has accepted and, as far as we know, not finished."""
        return [_check(row) for row in self._db.execute(OPEN)]

    def last_checks(self, at_most: int) -> list[Check]:
        rows = self._db.execute("SELECT * FROM checks ORDER BY number DESC LIMIT ?", (at_most,)).fetchall()
        return [_check(row) for row in reversed(rows)]

    def accept(self, check: Check, order: dict[str, Any]) -> None:
        """The bar has it. Where it stands is not taken from here: what was told may be newer than this answer."""
        drinks = json.dumps([item["recipe"] for item in order["items"]], ensure_ascii=False)
        self._db.execute(
            "UPDATE checks SET state = 'accepted', order_id = ?, placed_at = ?, drinks = ? WHERE number = ?",
            (order["id"], order["placed_at"], drinks, check.number),
        )

    def refuse(self, check: Check, problem: str) -> None:
        self._db.execute("UPDATE checks SET state = 'refused', problem = ? WHERE number = ?", (problem, check.number))

    def send_again(self, check: Check) -> None:
        """Under the same key: if the bar has it after all, it stays one order."""
        self._db.execute("UPDATE checks SET state = 'unsent' WHERE number = ?", (check.number,))

    # What was told

    def tell(self, told: Iterable[News]) -> list[News]:
        """Take it in; what of it was new. What is older than what we know is passed over. In a transaction."""
        return [news for news in told if self._tell(news)]

    def _tell(self, news: News) -> bool:
        known = self._status(news.order_id, news.number)
        return self._db.execute(TELL, news).rowcount == 1 and known != news.status

    def status_of(self, check: Check) -> str:
        """Where a check stands: what the bar told last, else what became of sending it."""
        return (check.order_id and self._status(check.order_id, WHOLE_ORDER)) or check.state

    def drinks_of(self, check: Check) -> dict[int, str]:
        """The statuses of a check's drinks by their numbers, as far as they were told."""
        rows = self._db.execute(
            "SELECT number, status FROM told WHERE order_id = ? AND number > 0", (check.order_id,)
        ).fetchall()
        return {row["number"]: row["status"] for row in rows}

    def _status(self, order_id: str, number: int) -> str | None:
        row = self._db.execute(
            "SELECT status FROM told WHERE order_id = ? AND number = ?", (order_id, number)
        ).fetchone()
        return row and str(row["status"])

    # How far it has heard

    def is_first(self, webhook_id: str) -> bool:
        """Note that a message came; whether for the first time. In a transaction with what the message says."""
        now = time.time()
        self._db.execute("DELETE FROM heard WHERE heard_at < ?", (now - HEARD_SECONDS,))
        return self._db.execute("INSERT OR IGNORE INTO heard VALUES (?, ?)", (webhook_id, now)).rowcount == 1

    @property
    def place(self) -> int | None:
        """From where on to read the feed; None before the first reading."""
        row = self._db.execute("SELECT place FROM feed").fetchone()
        return row and int(row["place"])

    def go_on_from(self, place: int) -> None:
        """Note how far the feed was read. In a transaction with what it said."""
        self._db.execute("INSERT OR REPLACE INTO feed VALUES (1, ?)", (place,))

    def furthest_place(self) -> int | None:
        """The latest place that anything we were told is of, whichever way it came."""
        [place] = self._db.execute(
            "SELECT max(place) FROM (SELECT place FROM feed UNION ALL SELECT place FROM told)"
        ).fetchone()
        return place if place is None else int(place)

    def rewind(self, place: int) -> None:
        """The bar's log ends here, before what we know: it was restored from a backup. What we know is as old."""
        with self.transaction():
            self._db.execute("UPDATE told SET place = min(place, ?)", (place,))
            self._db.execute("UPDATE feed SET place = min(place, ?)", (place,))


def _check(row: sqlite3.Row) -> Check:
    columns = dict(row)
    return Check(**{**columns, "state": CheckState(columns["state"]), "drinks": json.loads(columns["drinks"])})
