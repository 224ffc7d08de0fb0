"""API keys: what they are made of, and which of them a process knows.

A key is `sqk_`, ten characters that may be shown and that it is found by, and 32 that nobody can guess (190 bits).
The database holds its SHA-256.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import Connection

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError
from shakerqueue.queries import api_keys
from shakerqueue.queries.models import UsableApiKey

MARK = "sqk_"
ALPHABET = string.ascii_letters + string.digits
PREFIX_CHARACTERS = 10
SECRET_CHARACTERS = 32
NOTE_USES_SECONDS = 60.0
MAX_UNREAD_SECONDS = 24 * 3600.0  # how long keys go on of which nobody can say whether they were revoked

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

    While PostgreSQL is away the keys that were known go on, for a day.
    """

    channel = "api_keys_changed"
    max_age_seconds = 1.0

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = _Known([])
        self._current_at = float("-inf")  # on the monotonic clock
        self._used_at: dict[UUID, datetime] = {}
        self._uses_due_at = 0.0

    def find(self, key: str, deadline: Deadline) -> UsableApiKey:
        """The key as it is known; one that is not, for it may have been made just now, is looked up.

        Raises:
            InvalidApiKey: it opens nothing.
            Unavailable: it is not known, and the database is away: nobody can say.
        """
        prefix = prefix_of(key)
        found = self._fresh.by_prefix.get(prefix) or self._look_up(prefix, deadline)
        if found is None or not hmac.compare_digest(found.key_hash, hash_of(key)):
            raise InvalidApiKey("The API key is not valid, or was revoked.")
        now = datetime.now(UTC)
        if found.expires_at is not None and found.expires_at <= now:
            raise InvalidApiKey("The API key has expired.")
        self._used_at[found.id] = now
        return found

    def holds(self, key_id: UUID) -> bool:
        """Whether a key that was good a moment ago is so still."""
        return key_id in self._fresh.ids

    def read(self, conn: Connection[Any]) -> None:
        """Take in the keys as they are now, and write down when they were used; for the follower."""
        began_at = monotonic()
        self._known = _Known(api_keys.list_usable_api_keys(conn))
        self._current_at = began_at
        if self._uses_due_at <= began_at:
            self._uses_due_at = began_at + NOTE_USES_SECONDS
            self._note_uses(conn)

    @property
    def _fresh(self) -> "_Known":
        """What is known, unless it is too old to be believed."""
        return self._known if monotonic() - self._current_at < MAX_UNREAD_SECONDS else _Known([])

    def _look_up(self, prefix: str, deadline: Deadline) -> UsableApiKey | None:
        with self._database.connection(deadline) as conn:
            found = api_keys.get_usable_api_key(conn, prefix=prefix)
        if found is not None:  # until the next reading, which may have begun before the key was made
            self._known = _Known([*self._known.by_prefix.values(), found])
        return found

    def _note_uses(self, conn: Connection[Any]) -> None:
        used, self._used_at = self._used_at, {}
        try:
            api_keys.note_api_key_uses(conn, ids=list(used), used_ats=list(used.values()))
        except psycopg.Error as error:  # a standby takes no writes; what is followed matters more than this
            log.warning("api_key_uses_not_noted", reason=str(error).strip())


class _Known:
    """Keys, by what they are found by. Never changed, only replaced: a reader sees the old ones or the new ones."""

    def __init__(self, keys: Iterable[UsableApiKey]) -> None:
        self.by_prefix = {key.prefix: key for key in keys}
        self.ids = frozenset(key.id for key in self.by_prefix.values())


def _random(characters: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(characters))
