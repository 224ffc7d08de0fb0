"""What stands under clients' idempotency keys: requests that ask at the same time share a look-up.

While one of them asks the database, those who come are gathered; then one of those asks for all. So a request that is
alone asks by itself, without a hand-over to another thread, and under load one query answers many. Nobody waits for
long: where the one who asks gets no answer soon, the next one asks beside them.
"""

import threading
from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import Unavailable
from shakerqueue.queries import orders
from shakerqueue.queries.models import Order

PATIENCE_SECONDS = 0.02  # far more than a look-up takes, and far less than there is time for one


class ClientKey(NamedTuple):
    """An idempotency key, and whose it is: two principals may have the same."""

    principal_id: UUID
    key: str


Found = dict[ClientKey, Order]


def orders_under(database: Database, keys: Iterable[ClientKey], deadline: Deadline) -> Found:
    """The orders that these keys, one at least, stand for.

    Raises:
        Unavailable: the database did not answer in time.
    """
    principal_ids, texts = zip(*keys, strict=True)
    with database.connection(deadline) as conn:
        found = orders.list_orders_by_idempotency_keys(conn, principal_ids=principal_ids, idempotency_keys=texts)
    return {ClientKey(order.principal_id, order.idempotency_key): order for order in found}


class _Question:
    """The key of a request, which waits on a bare lock until it is answered, or until it is to ask for all."""

    __slots__ = ("_gate", "answer", "is_to_ask", "key")

    def __init__(self, key: ClientKey) -> None:
        self.key = key
        self.is_to_ask = False
        self.answer: Found | None = None  # for all who asked together; None: there is none
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self, seconds: float) -> bool:
        """Whether it was told something within so many seconds."""
        return self._gate.acquire(timeout=seconds)

    def wake(self) -> None:
        self._gate.release()


class KeyLookUps:
    """The look-ups of this process. A question waits to be taken along by one who asks, is taken along, or asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()  # guards the next two
        self._waiting: list[_Question] = []
        self._asking = 0  # how many ask at this moment: one, unless the database is slow

    def order_under(self, key: ClientKey, deadline: Deadline) -> Order | None:
        """The order that this key stands for.

        Raises:
            Unavailable: the database did not answer in time.
        """
        mine = _Question(key)
        self._join(mine)
        if not mine.is_to_ask:
            self._await_answer_or_turn(mine, deadline)
        if mine.is_to_ask:
            return self._ask_for_all(mine, deadline).get(key)
        if mine.answer is None:
            raise Unavailable("database", "a key was not looked up in time")
        return mine.answer.get(key)

    def _join(self, question: _Question) -> None:
        """Wait for whoever asks; if nobody does, ask."""
        with self._lock:
            if self._asking:
                self._waiting.append(question)
            else:
                self._give_turn(question)

    def _await_answer_or_turn(self, question: _Question, deadline: Deadline) -> None:
        if question.wait(deadline.remaining_seconds(PATIENCE_SECONDS)):
            return
        with self._lock:
            if question in self._waiting:
                self._waiting.remove(question)
                if not deadline.passed:
                    self._give_turn(question)
        if not question.is_to_ask:
            question.wait(deadline.remaining_seconds())  # for whoever asks for it

    def _give_turn(self, question: _Question) -> None:
        """Let a question ask that does not wait, or no more. The caller has taken the lock."""
        question.is_to_ask = True
        self._asking += 1

    def _ask_for_all(self, mine: _Question, deadline: Deadline) -> Found:
        with self._lock:
            taken_along, self._waiting = self._waiting, []
        answer: Found | None = None
        try:
            answer = orders_under(self._database, {mine.key, *(one.key for one in taken_along)}, deadline)
        finally:
            self._pass_turn_on()
            for one in taken_along:
                one.answer = answer
                one.wake()
        return answer

    def _pass_turn_on(self) -> None:
        with self._lock:
            self._asking -= 1
            following = self._waiting.pop() if self._waiting else None  # the youngest: it has the most time left
            if following:
                self._give_turn(following)
        if following:
            following.wake()  # not with the lock in hand: they would wake up to wait for it
