"""The evening of `make rush` as a plan: the same seed makes the same one, and it looks like life."""

from collections import Counter

import pytest

from dev.rush.evening import TABLES, Evening, Path, plan_evening
from dev.rush.settings import SettingError, Settings, read
from dev.rush.waves import LAST_ORDERS, WAVES, demand, name_at
from seed.past_orders import FAVOURITES

SECONDS = 6 * 3600.0
GUESTS_PER_HOUR = 600
MENU = [*sorted(FAVOURITES), "Zombie", "Aviation"]
MAX_TABLE_DRINKS = 12  # what the product takes from a table's guest at once


def planned(seed: int = 1, guests_per_hour: float = GUESTS_PER_HOUR) -> Evening:
    return plan_evening(MENU, seconds=SECONDS, guests_per_hour=guests_per_hour, seed=seed)


def orders_between(evening: Evening, begins: float, ends: float) -> int:
    return sum(begins * SECONDS <= order.at_seconds < ends * SECONDS for order in evening.orders)


def test_the_same_seed_plans_the_same_evening_and_another_another() -> None:
    assert planned(1) == planned(1)
    assert planned(1) != planned(2)


def test_orders_come_by_time_and_none_after_the_last_call() -> None:
    times = [order.at_seconds for order in planned().orders]
    assert sorted(times) == times
    assert 0 < times[0] < times[-1] < LAST_ORDERS * SECONDS


def test_each_has_a_number_of_its_own() -> None:
    orders = planned().orders
    assert list(range(len(orders))) == [order.number for order in orders]


@pytest.mark.parametrize("guests_per_hour", [30, 600])
def test_never_more_come_than_at_the_height(guests_per_hour: float) -> None:
    """A Poisson count stays within five of its standard deviations."""
    most = guests_per_hour * SECONDS / 3600
    assert 0 < len(planned(guests_per_hour=guests_per_hour).orders) < most + 5 * most**0.5
    assert all(0 <= demand(share / 100) <= 1 for share in range(-10, 120))


def test_they_come_in_waves() -> None:
    evening = planned()
    happy_hour, calm, rush = (orders_between(evening, *share) for share in ((0.12, 0.22), (0.45, 0.5), (0.61, 0.71)))
    assert rush > happy_hour > 3 * calm


def test_each_wave_has_its_name_at_its_height() -> None:
    assert [wave.name for wave in WAVES] == [name_at(wave.peak) for wave in WAVES]
    assert ["a calm while", "clearing up"] == [name_at(0.0), name_at(0.99)]


def test_favourites_are_ordered_most() -> None:
    ordered = Counter(line.recipe for order in planned().orders for line in order.lines)
    assert ordered["Margarita"] > ordered["Manhattan"] > 0


def test_every_order_is_one_that_the_product_takes() -> None:
    for order in planned().orders:
        drinks = sum(line.quantity for line in order.lines)
        assert 1 <= drinks <= MAX_TABLE_DRINKS
        assert 1 <= order.table <= TABLES
        assert not order.rush or order.path is Path.TILL


def test_there_are_notes_modifiers_cancels_rushes_and_every_path() -> None:
    orders = planned().orders
    assert any(line.note for order in orders for line in order.lines)
    assert any(line.modifiers for order in orders for line in order.lines)
    assert any(order.cancel_after_seconds for order in orders)
    assert any(order.rush for order in orders)
    assert set(Path) == {order.path for order in orders}


def test_a_big_round_is_taken_while_the_till_is_offline() -> None:
    evening = planned(guests_per_hour=1)
    offline = [order for order in evening.orders if evening.till_offline.covers(order.at_seconds)]
    assert 10 <= sum(order.path is Path.TILL for order in offline)


def test_the_second_choice_has_nothing_that_is_sold_out() -> None:
    evening = planned()
    order = next(order for order in evening.orders if evening.sold_out in {line.recipe for line in order.lines})
    instead = evening.second_choice(order)
    assert evening.sold_out not in {line.recipe for line in instead.lines}
    assert [line.quantity for line in order.lines] == [line.quantity for line in instead.lines]


def test_a_menu_of_one_drink_will_do() -> None:
    evening = plan_evening(["Negroni"], seconds=SECONDS, guests_per_hour=60, seed=1)
    assert {"Negroni"} == {line.recipe for order in evening.orders for line in order.lines}


def test_by_default_six_hours_take_four_minutes() -> None:
    assert Settings() == read({})
    assert (90.0, SECONDS) == (read({}).speed, read({}).evening_seconds)


@pytest.mark.parametrize(
    ("environment", "speed", "seconds"),
    [
        ({"SPEED": "60"}, 60, SECONDS),
        ({"MINUTES": "2"}, 180, SECONDS),
        ({"SPEED": "60", "MINUTES": "2"}, 60, 7200),
    ],
)
def test_speed_or_minutes_make_a_whole_evening_and_both_a_part(
    environment: dict[str, str], speed: float, seconds: float
) -> None:
    settings = read(environment)
    assert (speed, seconds) == (settings.speed, settings.evening_seconds)


@pytest.mark.parametrize("environment", [{"SPEED": "fast"}, {"GUESTS": "0"}, {"BARTENDERS": "99"}, {"MINUTES": "nan"}])
def test_a_setting_that_is_none_is_named(environment: dict[str, str]) -> None:
    [(name, text)] = environment.items()
    with pytest.raises(SettingError, match=f"{name}={text} is not a number"):
        read(environment)
