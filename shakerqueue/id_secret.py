"""The secret of the order ids, read from the database once, when it is first needed."""

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import users


class OrderIdSecret:
    """Nothing can be accepted without it: a process that starts while the database is away answers 503 until then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._secret: bytes | None = None

    def read(self, deadline: Deadline) -> bytes:
        """The secret, 32 bytes.

        Raises:
            Unavailable: it was never read yet, and the database is away or not migrated.
        """
        if self._secret is None:
            with self._database.connection(deadline) as conn:
                self._secret = users.get_order_id_secret(conn)
        if self._secret is None:
            raise Unavailable("database", "it holds no secret for order ids")
        return self._secret
