"""The life of a drink, for every status, verb and actor."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

import pytest

from shakerqueue.order_lifecycle import (
    CLAIM_SECONDS,
    FINAL_ERRORS,
    MARKS,
    TRANSITIONS,
    Actor,
    Verb,
    allowed_verbs,
    changed,
    is_done,
    may,
)
from shakerqueue.queries.models import ItemStatus, OrderItem, UserRole

NOW = datetime(2026, 11, 20, 22, 0, tzinfo=UTC)
ANNA, BEN, BOSS, GUEST, POS = (UUID(int=number) for number in range(1, 6))
ANNA_AT_THE_BAR, BEN_AT_THE_BAR = Actor(ANNA, UserRole.EMPLOYEE), Actor(BEN, UserRole.EMPLOYEE)
ADMIN, A_GUEST, A_POS = Actor(BOSS, UserRole.ADMIN), Actor(GUEST, UserRole.CUSTOMER), Actor(POS, UserRole.INTEGRATION)

PENDING = OrderItem(
    order_id=UUID(int=77),
    number=1,
    recipe_id=UUID(int=78),
    recipe="Margarita",
    build=None,
    station="well",
    note=None,
    modifiers=[],
    status=ItemStatus.PENDING,
    prep_seconds=60,
    due_at=NOW,
    holds_stock=False,
    claimed_by=None,
    claim_expires_at=None,
    started_at=None,
    completed_at=None,
    error=None,
    changed_by=None,
    canceled_at=None,
    cancellation_unseen=False,
    served_at=None,
)
ANNAS = changed(Verb.START, PENDING, ANNA_AT_THE_BAR, NOW)
COMPLETE = changed(Verb.COMPLETE, ANNAS, ANNA_AT_THE_BAR, NOW)
SERVED = changed(Verb.SERVE, COMPLETE, BEN_AT_THE_BAR, NOW + timedelta(minutes=1))
FAILED = changed(Verb.FAIL, ANNAS, ANNA_AT_THE_BAR, NOW, "out of ice")
CANCELED = changed(Verb.CANCEL, PENDING, A_GUEST, NOW, "changed my mind")
ACKNOWLEDGED = changed(Verb.ACKNOWLEDGE, CANCELED, ANNA_AT_THE_BAR, NOW)
LATER = NOW + timedelta(seconds=CLAIM_SECONDS)


@pytest.mark.parametrize(
    ("item", "actor", "verbs"),
    [
        (PENDING, ANNA_AT_THE_BAR, "start complete fail cancel"),
        (PENDING, A_GUEST, "cancel"),
        (PENDING, A_POS, "cancel"),
        (ANNAS, ANNA_AT_THE_BAR, "start complete fail cancel release"),
        (ANNAS, BEN_AT_THE_BAR, "complete fail cancel"),
        (ANNAS, ADMIN, "complete fail cancel release"),
        (ANNAS, A_GUEST, ""),
        (COMPLETE, BEN_AT_THE_BAR, "recall serve"),
        (COMPLETE, A_GUEST, ""),
        (COMPLETE, A_POS, ""),
        (SERVED, BEN_AT_THE_BAR, "recall unserve"),
        (SERVED, ADMIN, "recall unserve"),
        (SERVED, A_GUEST, ""),
        (FAILED, BEN_AT_THE_BAR, "recall"),
        (CANCELED, ADMIN, "acknowledge"),
        (CANCELED, BEN_AT_THE_BAR, "acknowledge"),
        (CANCELED, A_GUEST, ""),
        (ACKNOWLEDGED, ADMIN, ""),
        *((replace(FAILED, error=error), ADMIN, "") for error in sorted(FINAL_ERRORS)),
        (replace(FAILED, error="sold_out"), ADMIN, "recall"),
    ],
)
def test_who_may_do_what(item: OrderItem, actor: Actor, verbs: str) -> None:
    assert verbs.split() == allowed_verbs(item, actor, NOW)


def test_a_claim_that_is_over_can_be_taken_by_another() -> None:
    just_before = LATER - timedelta(microseconds=1)
    assert (False, True) == tuple(may(Verb.START, ANNAS, BEN_AT_THE_BAR, now) for now in (just_before, LATER))
    bens = changed(Verb.START, ANNAS, BEN_AT_THE_BAR, LATER)
    assert (BEN, LATER, LATER + timedelta(seconds=CLAIM_SECONDS)) == (
        bens.claimed_by,
        bens.started_at,
        bens.claim_expires_at,
    )


def test_starting_again_renews_the_claim_and_keeps_the_start() -> None:
    renewed = changed(Verb.START, ANNAS, ANNA_AT_THE_BAR, NOW + timedelta(minutes=5))
    assert (NOW, LATER + timedelta(minutes=5)) == (renewed.started_at, renewed.claim_expires_at)


def test_whoever_held_the_drink_made_it_whoever_taps() -> None:
    assert ANNA == changed(Verb.COMPLETE, ANNAS, BEN_AT_THE_BAR, NOW).claimed_by
    one_tap = changed(Verb.COMPLETE, PENDING, BEN_AT_THE_BAR, NOW)
    assert (BEN, NOW, NOW) == (one_tap.claimed_by, one_tap.started_at, one_tap.completed_at)


@pytest.mark.parametrize(("verb", "source"), [(verb, source) for verb in Verb for source in TRANSITIONS[verb]])
def test_every_transition_leaves_a_drink_that_the_schema_allows(verb: Verb, source: ItemStatus) -> None:
    """The CHECK constraints of order_items, said in Python."""
    before = {
        ItemStatus.PENDING: PENDING,
        ItemStatus.IN_PROGRESS: ANNAS,
        ItemStatus.COMPLETE: COMPLETE,
        ItemStatus.FAILED: FAILED,
        ItemStatus.CANCELED: CANCELED,
    }[source]
    after = changed(verb, before, ANNA_AT_THE_BAR, NOW, "because" if verb is Verb.FAIL else None)

    assert TRANSITIONS[verb][source] == after.status
    assert (after.status is ItemStatus.COMPLETE) == (after.completed_at is not None)
    assert (after.status is ItemStatus.IN_PROGRESS) == (after.claim_expires_at is not None)
    assert after.status is not ItemStatus.FAILED or after.error is not None
    assert (after.status is ItemStatus.CANCELED) == (after.canceled_at is not None)
    assert not after.cancellation_unseen or after.status is ItemStatus.CANCELED
    assert after.served_at is None or after.status is ItemStatus.COMPLETE


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in MARKS])
def test_a_drink_says_who_changed_it_last_and_forgets_the_reason_of_before(verb: Verb) -> None:
    before = replace({Verb.RECALL: FAILED}.get(verb, ANNAS), changed_by=BEN, error="out of limes")
    after = changed(verb, before, ANNA_AT_THE_BAR, NOW)
    assert (ANNA, None) == (after.changed_by, after.error)


@pytest.mark.parametrize(
    ("item", "actor", "unseen"),
    [
        (PENDING, A_GUEST, True),
        (PENDING, A_POS, True),
        (PENDING, ANNA_AT_THE_BAR, False),
        (ANNAS, ANNA_AT_THE_BAR, False),
        (ANNAS, BEN_AT_THE_BAR, True),
        (ANNAS, ADMIN, True),
    ],
)
def test_a_canceled_drink_is_unseen_unless_who_canceled_is_all_who_has_to_know(
    item: OrderItem, actor: Actor, unseen: bool
) -> None:
    canceled = changed(Verb.CANCEL, item, actor, NOW)
    assert (unseen, NOW) == (canceled.cancellation_unseen, canceled.canceled_at)


def test_an_acknowledged_drink_keeps_all_that_was_known_of_it() -> None:
    assert replace(CANCELED, cancellation_unseen=False) == ACKNOWLEDGED


def test_what_anybody_has_acknowledged_is_done_and_what_is_not_canceled_is_not() -> None:
    anyone = (ANNA_AT_THE_BAR, BEN_AT_THE_BAR)
    assert all(is_done(Verb.ACKNOWLEDGE, [PENDING, ACKNOWLEDGED], actor) for actor in anyone)
    assert not any(is_done(Verb.ACKNOWLEDGE, items, actor) for items in ([PENDING], [CANCELED]) for actor in anyone)
    assert not is_done(Verb.ACKNOWLEDGE, [ACKNOWLEDGED, CANCELED], A_GUEST)


def test_who_canceled_may_say_so_again_after_somebody_has_acknowledged_it() -> None:
    assert (True, False) == tuple(is_done(Verb.CANCEL, [ACKNOWLEDGED], actor) for actor in (A_GUEST, ANNA_AT_THE_BAR))


def test_a_served_drink_is_the_complete_one_and_since_when_the_guest_has_it() -> None:
    assert replace(COMPLETE, served_at=NOW + timedelta(minutes=1)) == SERVED
    assert changed(Verb.UNSERVE, SERVED, ANNA_AT_THE_BAR, LATER) == COMPLETE


def test_a_served_drink_that_comes_back_is_as_any_other_that_is_made_anew() -> None:
    recalled = changed(Verb.RECALL, SERVED, BEN_AT_THE_BAR, LATER)
    assert changed(Verb.RECALL, COMPLETE, BEN_AT_THE_BAR, LATER) == recalled
    assert changed(Verb.COMPLETE, recalled, BEN_AT_THE_BAR, LATER).served_at is None


@pytest.mark.parametrize(
    ("verb", "done", "not_yet"), [(Verb.SERVE, SERVED, COMPLETE), (Verb.UNSERVE, COMPLETE, SERVED)]
)
def test_what_anybody_has_served_or_taken_back_is_done_and_what_is_not_complete_is_not(
    verb: Verb, done: OrderItem, not_yet: OrderItem
) -> None:
    anyone = (ANNA_AT_THE_BAR, BEN_AT_THE_BAR)
    assert all(is_done(verb, [PENDING, done], actor) for actor in anyone)
    assert not any(is_done(verb, items, actor) for items in ([PENDING], [done, not_yet]) for actor in anyone)


def test_who_made_a_drink_may_say_so_again_after_somebody_has_served_it() -> None:
    anna_and_ben = (ANNA_AT_THE_BAR, BEN_AT_THE_BAR)
    assert (True, False) == tuple(is_done(Verb.COMPLETE, [SERVED], actor) for actor in anna_and_ben)


REPEATABLE = [verb for verb in Verb if verb is not Verb.START and verb not in MARKS]


@pytest.mark.parametrize(("verb", "actor"), list(product(REPEATABLE, [ANNA_AT_THE_BAR, BEN_AT_THE_BAR])))
def test_only_the_same_actors_second_time_is_a_repeat(verb: Verb, actor: Actor) -> None:
    source = {Verb.RECALL: FAILED, Verb.RELEASE: ANNAS}.get(verb, ANNAS)
    after = changed(verb, source, ANNA_AT_THE_BAR, NOW, "because")
    assert (actor is ANNA_AT_THE_BAR) == is_done(verb, [after], actor)


def test_starting_again_renews_and_is_no_repeat() -> None:
    assert not is_done(Verb.START, [ANNAS], ANNA_AT_THE_BAR)


def test_a_fresh_drink_is_nobodys_repeat() -> None:
    assert not any(is_done(verb, [PENDING], ANNA_AT_THE_BAR) for verb in Verb)


def test_the_drawing_shows_every_transition_and_no_other() -> None:
    drawing = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text("utf-8")
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)$", drawing, re.MULTILINE))
    assert {(source, target, verb) for verb, steps in TRANSITIONS.items() for source, target in steps.items()} == drawn
