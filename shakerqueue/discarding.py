"""Giving dead letters up: whoever was promised an order finds it as failed, with the reason `discarded`."""

import structlog

from shakerqueue.database import Database
from shakerqueue.errors import DataRefused, MalformedMessage
from shakerqueue.intake import insert_discarded
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.messages import OrderPlaced, unpack

log = structlog.get_logger(__name__)


def discard(letters: DeadLetters, wanted: LetterFilter, database: Database, limit: int | None = None) -> list[Letter]:
    """Store the orders of the letters that fit, at most so many, as failed, and remove those letters; return them.

    A body that holds no order, or one that the database refuses in this form as well, is written to the log only.

    Raises:
        Unavailable: the broker or the database is away. What was stored and not removed may be discarded again.
    """
    return letters.remove(wanted, lambda letter: _store_as_failed(letter, database), limit)


def _store_as_failed(letter: Letter, database: Database) -> None:
    for order in orders_of(letter):
        try:
            with database.transaction() as conn:
                insert_discarded(conn, [order])
        except DataRefused as error:
            log.error("discarded_unstored", letter_id=letter.id, order_id=str(order.id), reason=str(error))
    log.warning("dead_letter_discarded", letter_id=letter.id, reason=letter.reason, body=repr(letter.body[:2000]))


def orders_of(letter: Letter) -> tuple[OrderPlaced, ...]:
    """The orders of a letter; none where its body cannot be read."""
    try:
        return unpack(letter.body)
    except MalformedMessage:
        return ()
