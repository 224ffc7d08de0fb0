"""Giving dead letters up: whoever was promised an order finds it as failed, with the reason `discarded`."""

from typing import NamedTuple
from uuid import UUID

import structlog

from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import DataRefused, MalformedMessage
from shakerqueue.intake import insert_discarded
from shakerqueue.messaging.dead_letters import FOREVER, DeadLetters, LetterFilter, Walk
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.messages import OrderPlaced, unpack

log = structlog.get_logger(__name__)


class Discarded(NamedTuple):
    """The letters that are gone, and which orders failed by it: others were stored meanwhile, and live on."""

    walk: Walk
    failed_order_ids: list[UUID]


def discard(
    letters: DeadLetters,
    wanted: LetterFilter,
    database: Database,
    limit: int | None = None,
    deadline: Deadline = FOREVER,
) -> Discarded:
    """Store the orders of the letters that fit, at most so many, as failed, and remove those letters.

    A body that holds no order, or one that the database refuses in this form as well, is written to the log only.

    Raises:
        Unavailable: the broker or the database is away. What was stored and not removed may be discarded again.
    """
    failed: list[UUID] = []
    walk = letters.remove(wanted, lambda letter: failed.extend(_stored_as_failed(letter, database)), limit, deadline)
    return Discarded(walk, failed)


def _stored_as_failed(letter: Letter, database: Database) -> list[UUID]:
    log.warning("dead_letter_discarded", letter_id=letter.id, reason=letter.reason, body=repr(letter.body[:2000]))
    return [order.id for order in orders_of(letter) if _store_as_failed(letter, order, database)]


def _store_as_failed(letter: Letter, order: OrderPlaced, database: Database) -> bool:
    try:
        with database.transaction() as conn:
            return insert_discarded(conn, [order]) > 0
    except DataRefused as error:
        log.error("discarded_unstored", letter_id=letter.id, order_id=str(order.id), reason=str(error))
        return False


def orders_of(letter: Letter) -> tuple[OrderPlaced, ...]:
    """The orders of a letter; none where its body cannot be read."""
    try:
        return unpack(letter.body)
    except MalformedMessage:
        return ()
