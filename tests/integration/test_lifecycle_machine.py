"""Random evenings: whatever people do, in whatever order, the database agrees with a model of a few lines."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from shakerqueue.database import Database
from shakerqueue.errors import IllegalTransition, SoldOut
from shakerqueue.intake import insert_orders
from shakerqueue.making import act_on_item, claim_next, fail_waiting
from shakerqueue.messaging.messages import ItemPlaced
from shakerqueue.order_lifecycle import CLAIM_SECONDS, READY_SECONDS, TRANSITIONS, Actor, Verb
from shakerqueue.queries import cancellations, order_items, orders, ready_drinks
from shakerqueue.queries.models import ItemStatus, UserRole
from tests.support.bar import Bar
from tests.support.orders import drink, order, principal_id

COUNTED = 5  # Negronis there are
ACTORS = ("user@example.com", "bartender@example.com", "admin@example.com")
ROLES = (UserRole.CUSTOMER, UserRole.EMPLOYEE, UserRole.ADMIN)
OPEN = (ItemStatus.PENDING, ItemStatus.IN_PROGRESS)
FEW = 4  # orders of an evening, so that each drink lives through something


def expected_status(statuses: list[ItemStatus]) -> str:
    """The rule of design and docs, written a second time and in another way than the schema's."""
    if any(status in OPEN for status in statuses):
        begun = ItemStatus.IN_PROGRESS in statuses or ItemStatus.COMPLETE in statuses
        return "in_progress" if begun else "pending"
    for decisive in (ItemStatus.COMPLETE, ItemStatus.FAILED):
        if decisive in statuses:
            return decisive.value
    return "canceled"


class Evening(RuleBasedStateMachine):
    """One guest, one bartender and one admin, who all do what comes to their minds."""

    database: Database
    menu: list[ItemPlaced]  # Margarita, and Negroni, which is counted
    actors: list[Actor]

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
        self.model: dict[UUID, list[ItemStatus]] = {}
        self.holders: dict[tuple[UUID, int], int] = {}  # who began the drink last
        self.unseen: set[tuple[UUID, int]] = set()
        self.sold_out = False  # once an evening, else nothing is left to do
        self.made: dict[tuple[UUID, int], datetime] = {}  # when, of what is complete
        self.served: set[tuple[UUID, int]] = set()
        with self.database.transaction() as conn:
            conn.execute("TRUNCATE orders, order_items, order_events, order_traces")
            conn.execute("UPDATE recipes SET remaining = %s WHERE name = 'Negroni'", [COUNTED])

    def has(self, *wanted: ItemStatus) -> bool:
        return any(status in wanted for statuses in self.model.values() for status in statuses)

    @precondition(lambda self: len(self.model) < FEW)
    @rule(choice=st.lists(st.integers(0, 1), min_size=1, max_size=3))
    def somebody_orders(self, choice: list[int]) -> None:
        key = str(len(self.model))  # decides the id: an evening that is played again must be the same evening
        placed = order(self.actors[0].id, *(self.menu[number] for number in choice), placed_at=self.now, key=key)
        with self.database.transaction() as conn:
            insert_orders(conn, [placed])
            items = order_items.list_order_items(conn, order_id=placed.id)
        self.model[placed.id] = [item.status for item in items]

    @precondition(lambda self: self.has(ItemStatus.IN_PROGRESS, ItemStatus.COMPLETE))
    @rule(minutes=st.sampled_from([0, 1, CLAIM_SECONDS / 60, READY_SECONDS / 60]))
    def time_passes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), verb=st.sampled_from(Verb), actor=st.integers(0, 2))
    def somebody_taps(self, data: st.DataObject, verb: Verb, actor: int) -> None:
        order_id = data.draw(st.sampled_from(list(self.model)))
        number = data.draw(st.integers(1, len(self.model[order_id])))
        before = self.model[order_id][number - 1]
        try:
            with self.database.transaction() as conn:
                act_on_item(conn, order_id, number, verb, self.actors[actor], self.now, "because")
        except (IllegalTransition, SoldOut):
            return
        after = TRANSITIONS[verb].get(before, before)
        assert after != before or before in (verb_target(verb) | {ItemStatus.IN_PROGRESS})
        self.model[order_id][number - 1] = after
        self._remember((order_id, number), verb, actor, before, after)
        self._remember_the_guests_side((order_id, number), verb, before, after)

    def _remember(self, key: tuple[UUID, int], verb: Verb, actor: int, before: ItemStatus, after: ItemStatus) -> None:
        """Who holds the drink, and whether somebody has still to be shown that it was canceled."""
        if after is ItemStatus.IN_PROGRESS and verb is not Verb.RELEASE:
            self.holders[key] = actor
        if verb is Verb.ACKNOWLEDGE:
            self.unseen.discard(key)
        if verb is Verb.CANCEL and before in OPEN:
            under_others_hands = before is ItemStatus.IN_PROGRESS and self.holders[key] != actor
            if ROLES[actor] is UserRole.CUSTOMER or under_others_hands:
                self.unseen.add(key)

    def _remember_the_guests_side(
        self, key: tuple[UUID, int], verb: Verb, before: ItemStatus, after: ItemStatus
    ) -> None:
        """What stands on the bar, and what the guest has."""
        if after is ItemStatus.COMPLETE and before in OPEN:
            self.made[key] = self.now
        if after is not ItemStatus.COMPLETE:
            self.made.pop(key, None)
        if verb is Verb.SERVE:
            self.served.add(key)
        if verb is Verb.UNSERVE or after is not ItemStatus.COMPLETE:
            self.served.discard(key)

    @precondition(lambda self: self.has(*OPEN))
    @rule(at_most=st.integers(1, 3), actor=st.integers(1, 2))
    def somebody_claims(self, at_most: int, actor: int) -> None:
        with self.database.transaction() as conn:
            claimed = claim_next(conn, self.actors[actor], at_most, None, self.now)
        assert len({item.recipe for item in claimed}) <= 1
        for item in claimed:
            assert self.model[item.order_id][item.number - 1] in OPEN
            self.model[item.order_id][item.number - 1] = ItemStatus.IN_PROGRESS
            self.holders[item.order_id, item.number] = actor

    @precondition(lambda self: self.model and not self.sold_out)
    @rule(recipe=st.integers(0, 1), actor=st.integers(1, 2))
    def a_recipe_is_sold_out(self, recipe: int, actor: int) -> None:
        self.sold_out = True
        with self.database.transaction() as conn:
            recipe_id = self.menu[recipe].recipe_id
            waiting = order_items.count_pending_of_recipe(conn, recipe_id=recipe_id)
            outcome = fail_waiting(conn, recipe_id, self.actors[actor], self.now, "sold out")
            assert (waiting, 0) == outcome
            for order_id, statuses in self.model.items():
                for item in order_items.list_order_items(conn, order_id=order_id):
                    if item.recipe_id == recipe_id and statuses[item.number - 1] is ItemStatus.PENDING:
                        statuses[item.number - 1] = ItemStatus.FAILED

    @invariant()
    def every_order_is_as_the_model_says(self) -> None:
        with self.database.connection() as conn:
            for order_id, statuses in self.model.items():
                stored = orders.get_order(conn, id=order_id)
                assert stored is not None
                assert expected_status(statuses) == stored.status
                assert statuses == [item.status for item in order_items.list_order_items(conn, order_id=order_id)]

    @invariant()
    def the_board_shows_the_cancellations_that_are_unseen(self) -> None:
        with self.database.connection() as conn:
            shown = cancellations.list_unseen_cancellations(conn, station=None, at_most=1000)
        assert self.unseen == {(drink.order_id, drink.number) for drink in shown}

    @invariant()
    def the_board_shows_what_is_ready_and_not_long_gone(self) -> None:
        an_hour_ago = self.now - timedelta(seconds=READY_SECONDS)
        ready = {key for key, made_at in self.made.items() if key not in self.served and made_at > an_hour_ago}
        with self.database.connection() as conn:
            shown = ready_drinks.list_ready_drinks(conn, completed_after=an_hour_ago, station=None, at_most=1000)
        assert ready == {(drink.order_id, drink.number) for drink in shown}
        assert sorted(self.made[key] for key in ready) == [drink.completed_at for drink in shown]

    @invariant()
    def what_is_served_is_known_of_every_drink(self) -> None:
        with self.database.connection() as conn:
            stored = conn.execute("SELECT order_id, number FROM order_items WHERE served_at IS NOT NULL").fetchall()
        assert self.served == set(stored)

    @invariant()
    def no_negroni_is_lost_or_sold_twice(self) -> None:
        with self.database.connection() as conn:
            row = conn.execute(
                "SELECT remaining + (SELECT count(*) FROM order_items WHERE holds_stock) FROM recipes"
                " WHERE name = 'Negroni'"
            ).fetchone()
        assert (COUNTED,) == row

    @invariant()
    def a_drink_that_will_not_be_made_holds_nothing(self) -> None:
        with self.database.connection() as conn:
            holding = conn.execute(
                "SELECT FROM order_items WHERE holds_stock AND status IN ('failed', 'canceled')"
            ).fetchall()
        assert [] == holding


def verb_target(verb: Verb) -> set[ItemStatus]:
    return set(TRANSITIONS[verb].values())


def test_any_evening_leaves_the_database_as_the_model_says(bar: Bar) -> None:
    database = Database(bar.database_url, pool_size=1, application_name="tests")
    database.start()
    with database.connection() as conn:
        Evening.menu = [drink(conn, "Margarita"), drink(conn, "Negroni")]
        Evening.actors = [Actor(principal_id(conn, who), role) for who, role in zip(ACTORS, ROLES, strict=True)]
    Evening.database = database

    # The same ones each time: a landing must not hang on chance.
    quick = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Evening, settings=quick)

    database.stop()
