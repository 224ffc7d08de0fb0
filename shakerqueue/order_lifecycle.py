"""The life of a drink: which verb leads from which status to which, for whom. No I/O; docs/lifecycle.md draws it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shakerqueue.queries.models import ItemStatus, OrderEventType, OrderItem, UserRole
from shakerqueue.roles import STAFF

CLAIM_SECONDS = 15 * 60
READY_SECONDS = 60 * 60  # a drink that was made before that is taken for gone: not every bar marks what it serves
MAX_CLAIM_BATCH = 10
# Refusals that no bartender can undo: there is nothing to make, or the guest ordered something else.
FINAL_ERRORS = frozenset({"recipe_gone", "idempotency_conflict", "discarded"})


class Verb(StrEnum):
    """What can be done to a drink."""

    START = "start"
    COMPLETE = "complete"
    FAIL = "fail"
    RECALL = "recall"
    CANCEL = "cancel"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"
    SERVE = "serve"
    UNSERVE = "unserve"


TRANSITIONS: dict[Verb, dict[ItemStatus, ItemStatus]] = {
    Verb.START: {ItemStatus.PENDING: ItemStatus.IN_PROGRESS},
    # A drink that takes one motion is tapped once: it need not be started first.
    Verb.COMPLETE: {ItemStatus.PENDING: ItemStatus.COMPLETE, ItemStatus.IN_PROGRESS: ItemStatus.COMPLETE},
    Verb.FAIL: {ItemStatus.PENDING: ItemStatus.FAILED, ItemStatus.IN_PROGRESS: ItemStatus.FAILED},
    Verb.RECALL: {ItemStatus.COMPLETE: ItemStatus.IN_PROGRESS, ItemStatus.FAILED: ItemStatus.PENDING},
    Verb.CANCEL: {ItemStatus.PENDING: ItemStatus.CANCELED, ItemStatus.IN_PROGRESS: ItemStatus.CANCELED},
    Verb.RELEASE: {ItemStatus.IN_PROGRESS: ItemStatus.PENDING},
    # It stays canceled; only nobody has to be shown it any more.
    Verb.ACKNOWLEDGE: {ItemStatus.CANCELED: ItemStatus.CANCELED},
    # Complete means made, before and after the guest has it.
    Verb.SERVE: {ItemStatus.COMPLETE: ItemStatus.COMPLETE},
    Verb.UNSERVE: {ItemStatus.COMPLETE: ItemStatus.COMPLETE},
}
# Verbs that only mark what became of a drink: its status stays, and so does who changed it last. Whoever marks it, it
# is marked.
MARKS = frozenset({Verb.ACKNOWLEDGE, Verb.SERVE, Verb.UNSERVE})

EVENTS: dict[Verb, OrderEventType] = {
    Verb.START: OrderEventType.STARTED,
    Verb.COMPLETE: OrderEventType.COMPLETED,
    Verb.FAIL: OrderEventType.FAILED,
    Verb.RECALL: OrderEventType.RECALLED,
    Verb.CANCEL: OrderEventType.CANCELED,
    Verb.RELEASE: OrderEventType.RELEASED,
    Verb.ACKNOWLEDGE: OrderEventType.ACKNOWLEDGED,
    Verb.SERVE: OrderEventType.SERVED,
    Verb.UNSERVE: OrderEventType.UNSERVED,
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: staff on any drink, a guest only on drinks of an own order."""

    id: UUID
    role: UserRole

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF


def may(verb: Verb, item: OrderItem, actor: Actor, now: datetime) -> bool:
    """Whether the verb would change this drink now, in this actor's hands."""
    if item.status is ItemStatus.IN_PROGRESS and verb is Verb.START:
        return actor.is_staff and (item.claimed_by == actor.id or claim_is_over(item, now))
    if item.status not in TRANSITIONS[verb]:
        return False
    if not actor.is_staff:
        return verb is Verb.CANCEL and item.status is ItemStatus.PENDING
    if verb is Verb.RELEASE:
        return actor.id == item.claimed_by or actor.role is UserRole.ADMIN
    if verb in MARKS:
        return not _is_marked(verb, item)
    return not (verb is Verb.RECALL and item.error in FINAL_ERRORS)


def allowed_verbs(item: OrderItem, actor: Actor, now: datetime) -> list[Verb]:
    return [verb for verb in Verb if may(verb, item, actor, now)]


def is_done(verb: Verb, items: Sequence[OrderItem], actor: Actor) -> bool:
    """Whether the purpose of a verb that is not legal for any of these drinks is reached already.

    It is where this actor did just this before: a second tap, or a request sent again. With what only marks a drink
    it does not matter who did.
    """
    if verb in MARKS:
        markable = [item for item in items if item.status in TRANSITIONS[verb]]
        return bool(markable) and all(_is_marked(verb, item) for item in markable)
    return all(_is_repeat(verb, item, actor) for item in items)


def _is_marked(verb: Verb, item: OrderItem) -> bool:
    """Whether a drink is already as one of MARKS would leave it."""
    if verb is Verb.ACKNOWLEDGE:
        return not item.cancellation_unseen
    return (item.served_at is not None) == (verb is Verb.SERVE)


def _is_repeat(verb: Verb, item: OrderItem, actor: Actor) -> bool:
    return item.changed_by == actor.id and item.status in TRANSITIONS[verb].values() and verb is not Verb.START


def claim_is_over(item: OrderItem, now: datetime) -> bool:
    return item.claim_expires_at is not None and item.claim_expires_at <= now


def changed(verb: Verb, item: OrderItem, actor: Actor, now: datetime, reason: str | None = None) -> OrderItem:
    """The drink after the verb, which `may` has allowed. `reason` becomes the error of a failed or canceled one."""
    if verb in MARKS:
        return _marked(verb, item, now)
    status = TRANSITIONS[verb].get(item.status, item.status)
    common = replace(
        item, status=status, changed_by=actor.id, error=reason, claim_expires_at=None, completed_at=None, served_at=None
    )
    if status is ItemStatus.IN_PROGRESS:
        return _claimed(common, actor, now)
    if status is ItemStatus.PENDING:
        return replace(common, claimed_by=None, started_at=None)
    if status is ItemStatus.COMPLETE:
        maker = item.claimed_by or actor.id
        return replace(common, claimed_by=maker, started_at=item.started_at or now, completed_at=now)
    if status is ItemStatus.CANCELED:
        return replace(common, canceled_at=now, cancellation_unseen=not _sees_own_cancellation(item, actor))
    return common


def _marked(verb: Verb, item: OrderItem, now: datetime) -> OrderItem:
    if verb is Verb.ACKNOWLEDGE:
        return replace(item, cancellation_unseen=False)
    return replace(item, served_at=now if verb is Verb.SERVE else None)


def _claimed(item: OrderItem, actor: Actor, now: datetime) -> OrderItem:
    """In the actor's hands for a while; whoever takes over from someone else starts the clock anew."""
    started_at = item.started_at if item.claimed_by == actor.id and item.started_at else now
    expires_at = now + timedelta(seconds=CLAIM_SECONDS)
    return replace(item, claimed_by=actor.id, started_at=started_at, claim_expires_at=expires_at)


def _sees_own_cancellation(item: OrderItem, actor: Actor) -> bool:
    """Whether nobody else has to be told: one of the staff cancels what no other holds, be it over time."""
    return actor.is_staff and item.claimed_by in (None, actor.id)
