"""The menu as this process knows it: read ahead of the orders, so that an order costs no database round trip."""

import threading
from time import monotonic

import psycopg
import structlog

from shakerqueue.database import Database, DeadlineConnection, connection_arguments
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import recipes
from shakerqueue.queries.models import Recipe

READ_SECONDS = 3.0
MAX_AGE_SECONDS = 30.0  # read again after this long even if nobody said that anything changed
RECONNECT_SECONDS = 1.0
STOP_CHECK_SECONDS = 0.5

log = structlog.get_logger(__name__)


def can_be_ordered(recipe: Recipe) -> bool:
    return recipe.available and recipe.remaining != 0


class MenuCache:
    """The recipes by name, kept current by a thread that listens for changes.

    While PostgreSQL is away the last menu stays, however old: intake goes on, and what cannot be made after all
    is refused when the order is persisted.
    """

    def __init__(self, database_url: str, database: Database) -> None:
        self._database_url = database_url
        self._database = database
        self._recipes: dict[str, Recipe] = {}
        self._loaded = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="menu-cache", daemon=True)

    def start(self) -> None:
        """Start the thread. Only after the process has forked."""
        self._thread.start()

    def stop(self) -> None:
        """Let the thread end by itself, at its next look; nobody needs to wait for a reader."""
        self._stopping.set()

    @property
    def loaded(self) -> bool:
        """Whether a menu was read at all since the process started."""
        return self._loaded.is_set()

    def find(self, name: str, deadline: Deadline) -> Recipe | None:
        """The recipe of this name, whatever its case; a name that the cache lacks is looked up once."""
        known = self._recipes.get(name.lower())
        return known or self._look_up(name, deadline)

    def _look_up(self, name: str, deadline: Deadline) -> Recipe | None:
        try:
            with self._database.connection(deadline) as conn:
                return recipes.get_recipe_by_name(conn, name=name)
        except Unavailable:
            if self.loaded:
                return None  # the best knowledge there is says that there is no such recipe
            raise

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._follow()
            except psycopg.Error as error:
                log.warning("menu_cache_disconnected", reason=str(error).strip())
            self._stopping.wait(RECONNECT_SECONDS)

    def _follow(self) -> None:
        """LISTEN comes before the first read: a change between the two is then told, not missed."""
        arguments = connection_arguments("shakerqueue-menu")
        with DeadlineConnection.connect(self._database_url, **arguments) as conn:
            conn.execute("LISTEN menu_changed")
            while not self._stopping.is_set():
                self._read(conn)
                self._wait_for_change(conn)

    def _read(self, conn: DeadlineConnection) -> None:
        conn.deadline = Deadline.after(READ_SECONDS)
        menu = {recipe.name.lower(): recipe for recipe in recipes.list_recipes(conn)}
        conn.deadline = None
        self._recipes = menu  # one assignment: a reader sees the old menu or the new one
        self._loaded.set()

    def _wait_for_change(self, conn: DeadlineConnection) -> None:
        stale_at = monotonic() + MAX_AGE_SECONDS
        while not self._stopping.is_set() and monotonic() < stale_at:
            if list(conn.notifies(timeout=STOP_CHECK_SECONDS, stop_after=1)):
                return
