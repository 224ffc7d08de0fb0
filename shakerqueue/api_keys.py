"""API keys: what they are made of, and which of them a process knows.

A key is `sqk_`, ten characters that may be shown and that it is found by, and 32 that nobody can guess (190 bits).
The database holds its SHA-256.
"""

import hashlib
import hmac
import re
import secrets
import string
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.queries import api_keys
from shakerqueue.queries.models import UsableApiKey

MARK = "sqk_"
ALPHABET = string.ascii_letters + string.digits
PREFIX_CHARACTERS = 10
SECRET_CHARACTERS = 32
NOTE_USES_SECONDS = 60.0
MAX_UNREAD_SECONDS = 24 * 3600.0  # how long keys go on of which nobody can say whether they were revoked
STALE_SECONDS = 3.0  # the follower reads each second
RESCUE_PAUSE_SECONDS = 1.0
LOOK_UP_SECONDS = 0.3
LOOK_UPS_AT_ONCE = 2

_FORM = re.compile(rf"({MARK}[A-Za-z0-9]{{{PREFIX_CHARACTERS}}})_[A-Za-z0-9]{{{SECRET_CHARACTERS}}}")

log = structlog.get_logger(__name__)


class InvalidApiKey(ShakerQueueError):
    """Nobody has this key, or it opens nothing any more."""


def new_key() -> str:
    """A key that nobody has."""
    return f"{MARK}{_random(PREFIX_CHARACTERS)}_{_random(SECRET_CHARACTERS)}"


def prefix_of(key: str) -> str:
    """How the key begins, which may be shown.

    Raises:
        InvalidApiKey: it is none.
    """
    form = _FORM.fullmatch(key)
    if form is None:
        raise InvalidApiKey("This is no API key.")
    return form[1]


def hash_of(key: str) -> bytes:
    """What is stored of it, 32 bytes."""
    return hashlib.sha256(key.encode()).digest()


class ApiKeyCache:
    """Every key that opens something, kept current by a follower: a request asks it and not the database.

    Where the follower does not get through, the first request that notices reads the keys itself. While PostgreSQL is
    away for both, the keys that were known go on, for a day.
    """

    channel = "api_keys_changed"
    max_age_seconds = 1.0
    pause_seconds = 0.1

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()  # guards what is known, as a whole
        self._known = _Known([])
        self._looked_up: dict[str, _LookedUp] = {}
        self._current_at = float("-inf")  # on the monotonic clock
        self._rescue = threading.Lock()
        self._rescue_due_at = 0.0
        self._look_up_places = threading.Semaphore(LOOK_UPS_AT_ONCE)
        self._used_at: dict[UUID, datetime] = {}
        self._uses_due_at = 0.0

    def find(self, key: str, deadline: Deadline) -> UsableApiKey:
        """The key as it is known; one that is not, for it may have been made just now, is looked up.

        Raises:
            InvalidApiKey: it opens nothing.
            Unavailable: it is not known, and the database is away, or too many unknown ones are looked up: nobody can
                say.
        """
        prefix = prefix_of(key)
        found = self._fresh().by_prefix.get(prefix) or self._look_up(prefix, deadline)
        if found is None or not hmac.compare_digest(found.key_hash, hash_of(key)):
            raise InvalidApiKey("The API key is not valid, or was revoked.")
        now = datetime.now(UTC)
        if found.expires_at is not None and found.expires_at <= now:
            raise InvalidApiKey("The API key has expired.")
        self._used_at[found.id] = now
        return found

    def holds(self, key_id: UUID) -> bool:
        """Whether a key that was good a moment ago is so still."""
        return key_id in self._fresh().ids

    def read(self, conn: Connection[Any]) -> None:
        """Take in the keys as they are now, and write down when they were used; for the follower."""
        began_at = monotonic()
        self._take_in(api_keys.list_usable_api_keys(conn), began_at)
        if self._used_at and self._uses_due_at <= began_at:
            self._uses_due_at = began_at + NOTE_USES_SECONDS
            self._note_uses(conn)

    def _take_in(self, keys: Iterable[UsableApiKey], began_at: float) -> None:
        """A reading knows more than what was looked up before it began, and less than what was looked up since."""
        with self._lock:
            self._looked_up = {prefix: it for prefix, it in self._looked_up.items() if it.began_at >= began_at}
            self._known = _Known([*keys, *(it.key for it in self._looked_up.values())])
            self._current_at = began_at

    def _fresh(self) -> "_Known":
        """What is known, read anew if it is stale; nothing if it is too old to be believed."""
        if monotonic() - self._current_at > STALE_SECONDS:
            self._read_instead()
        return self._known if monotonic() - self._current_at < MAX_UNREAD_SECONDS else _Known([])

    def _read_instead(self) -> None:
        """Read in the follower's place: one request at a time, and seldom, for the database may be away."""
        if monotonic() < self._rescue_due_at or not self._rescue.acquire(blocking=False):
            return
        try:
            began_at = monotonic()
            with self._database.connection(Deadline.after(LOOK_UP_SECONDS)) as conn:
                self._take_in(api_keys.list_usable_api_keys(conn), began_at)
        except Unavailable as error:
            log.warning("api_keys_unreadable", reason=error.reason)
        finally:
            self._rescue_due_at = monotonic() + RESCUE_PAUSE_SECONDS
            self._rescue.release()

    def _look_up(self, prefix: str, deadline: Deadline) -> UsableApiKey | None:
        """One that was made since the last reading, or none at all: strangers must not keep the database busy."""
        if not self._look_up_places.acquire(blocking=False):
            raise Unavailable("API keys", "too many unknown ones are looked up")
        try:
            began_at = monotonic()
            with self._database.connection(deadline.sooner(LOOK_UP_SECONDS)) as conn:
                found = api_keys.get_usable_api_key(conn, prefix=prefix)
        finally:
            self._look_up_places.release()
        if found is not None:
            self._remember(found, began_at)
        return found

    def _remember(self, key: UsableApiKey, began_at: float) -> None:
        with self._lock:
            if began_at >= self._current_at:
                self._looked_up[key.prefix] = _LookedUp(key, began_at)
                self._known = _Known([*self._known.by_prefix.values(), key])

    def _note_uses(self, conn: Connection[Any]) -> None:
        used, self._used_at = self._used_at, {}
        try:
            api_keys.note_api_key_uses(conn, ids=list(used), used_ats=list(used.values()))
        except psycopg.Error as error:  # read-only, it may be; what is followed besides matters more than this
            self._used_at = used | self._used_at
            log.warning("api_key_uses_not_noted", reason=str(error).strip())


class _LookedUp(NamedTuple):
    """A key that was found between two readings, and when it was asked for."""

    key: UsableApiKey
    began_at: float


class _Known:
    """Keys, by what they are found by. Never changed, only replaced: a reader sees the old ones or the new ones."""

    def __init__(self, keys: Iterable[UsableApiKey]) -> None:
        self.by_prefix = {key.prefix: key for key in keys}
        self.ids = frozenset(key.id for key in self.by_prefix.values())


def _random(characters: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(characters))
