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
    TRANSITIONS,
    Actor,
    Verb,
    allowed_verbs,
    changed,
    is_repeat,
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
)
ANNAS = changed(Verb.START, PENDING, ANNA_AT_THE_BAR, NOW)
COMPLETE = changed(Verb.COMPLETE, ANNAS, ANNA_AT_THE_BAR, NOW)
FAILED = changed(Verb.FAIL, ANNAS, ANNA_AT_THE_BAR, NOW, "out of ice")
CANCELED = changed(Verb.CANCEL, PENDING, A_GUEST, NOW)
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
        (COMPLETE, BEN_AT_THE_BAR, "recall"),
        (COMPLETE, A_GUEST, ""),
        (FAILED, BEN_AT_THE_BAR, "recall"),
        (CANCELED, ADMIN, ""),
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
    }[source]
    after = changed(verb, before, ANNA_AT_THE_BAR, NOW, "because" if verb is Verb.FAIL else None)

    assert TRANSITIONS[verb][source] == after.status
    assert (after.status is ItemStatus.COMPLETE) == (after.completed_at is not None)
    assert (after.status is ItemStatus.IN_PROGRESS) == (after.claim_expires_at is not None)
    assert (after.status is ItemStatus.FAILED) == (after.error is not None)
    assert ANNA == after.changed_by


@pytest.mark.parametrize(("verb", "actor"), list(product(Verb, [ANNA_AT_THE_BAR, BEN_AT_THE_BAR])))
def test_only_the_same_actors_second_time_is_a_repeat(verb: Verb, actor: Actor) -> None:
    if verb is Verb.START:
        assert not is_repeat(verb, ANNAS, actor)  # starting again renews, which is no repeat
        return
    source = {Verb.RECALL: FAILED, Verb.RELEASE: ANNAS}.get(verb, ANNAS)
    after = changed(verb, source, ANNA_AT_THE_BAR, NOW, "because")
    assert (actor is ANNA_AT_THE_BAR) == is_repeat(verb, after, actor)


def test_a_fresh_drink_is_nobodys_repeat() -> None:
    assert not any(is_repeat(verb, PENDING, ANNA_AT_THE_BAR) for verb in Verb)


def test_the_drawing_shows_every_transition_and_no_other() -> None:
    drawing = (Path(__file__).parents[2] / "docs" / "lifecycle.md").read_text("utf-8")
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)$", drawing, re.MULTILINE))
    assert {(source, target, verb) for verb, steps in TRANSITIONS.items() for source, target in steps.items()} == drawn
