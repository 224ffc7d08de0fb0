"""What stands under clients' idempotency keys: requests that ask at the same time share a look-up.

While one of them asks the database, those who come are gathered; then one of those asks for all. So a request that is
alone asks by itself, without a hand-over to another thread, and under load one query answers many.
"""

import threading
from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order


class ClientKey(NamedTuple):
    """An idempotency key, and whose it is: two principals may have the same."""

    principal_id: UUID
    key: str


Found = dict[ClientKey, Order]


def orders_under(database: Database, keys: Iterable[ClientKey], deadline: Deadline) -> Found:
    """The orders that these keys stand for.

    Raises:
        Unavailable: the database did not answer in time.
    """
    principal_ids, texts = zip(*keys, strict=True)
    with database.connection(deadline) as conn:
        found = orders.list_orders_by_idempotency_keys(conn, principal_ids=principal_ids, idempotency_keys=texts)
    return {ClientKey(order.principal_id, order.idempotency_key): order for order in found}


class _Question:
    """The keys of a request, which waits on a bare lock until they are answered, or until it is to ask for all."""

    __slots__ = ("_answer", "_gate", "deadline", "is_to_ask", "keys")

    def __init__(self, keys: Collection[ClientKey], deadline: Deadline) -> None:
        self.keys = keys
        self.deadline = deadline
        self.is_to_ask = False
        self._answer: Found | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self) -> bool:
        """Whether it was told something by the deadline."""
        return self._gate.acquire(timeout=self.deadline.remaining_seconds())

    def let_ask(self) -> None:
        self._gate.release()

    def settle(self, answer: Found | None) -> None:
        """None: the one who asked for all got no answer."""
        self._answer = answer
        self._gate.release()

    def answer(self) -> Found:
        """Raises Unavailable: nobody has told it."""
        if self._answer is None:
            raise Unavailable("database", "keys were not looked up in time")
        return self.own_part(self._answer)

    def own_part(self, found: Found) -> Found:
        """What was found under its own keys."""
        return {key: found[key] for key in self.keys if key in found}


class KeyLookUps:
    """The look-ups of this process: one at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()  # guards the next two
        self._waiting: list[_Question] = []
        self._asking = False

    def orders_under(self, keys: Collection[ClientKey], deadline: Deadline) -> Found:
        """As the function of this name."""
        mine = _Question(keys, deadline)
        if not self._is_first(mine) and not mine.wait():
            self._give_up(mine)
        return self._ask_for_all(mine) if mine.is_to_ask else mine.answer()

    def _is_first(self, question: _Question) -> bool:
        """Add a question. The first one does not wait."""
        with self._lock:
            self._waiting.append(question)
            question.is_to_ask = not self._asking
            self._asking = True
            return question.is_to_ask

    def _give_up(self, question: _Question) -> None:
        """Wait no more; unless it became this question's turn just now: others wait for that."""
        with self._lock:
            if not question.is_to_ask and question in self._waiting:
                self._waiting.remove(question)

    def _ask_for_all(self, mine: _Question) -> Found:
        with self._lock:
            together, self._waiting = self._waiting, []
        answer: Found | None = None
        try:
            answer = self._look_up(together)
        finally:
            self._pass_on()
            for question in together:
                if question is not mine:
                    question.settle(answer)
        return mine.own_part(answer)

    def _look_up(self, together: list[_Question]) -> Found:
        keys = {key for question in together for key in question.keys}
        latest = max(question.deadline.at_seconds for question in together)
        return orders_under(self._database, keys, Deadline(latest))

    def _pass_on(self) -> None:
        """Let the one who has waited longest ask next."""
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            if following:
                following.is_to_ask = True
            self._asking = following is not None
        if following:
            following.let_ask()  # not with the lock in hand: they would wake up to wait for it
