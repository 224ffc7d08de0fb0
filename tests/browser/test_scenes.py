"""The scenes of the documentation's pictures show what they are played for."""

from tests.browser.scenes import TICKETS, busy_moment
from tests.support.house import House


def test_the_busy_moment_has_all_that_a_board_can_show(house: House) -> None:
    busy_moment(house)

    orders = house.request("GET", "/orders")["orders"]
    assert {ticket.name for ticket in TICKETS} == {order["ticket"] for order in orders}
    assert {"pending", "in_progress", "canceled"} == {order["status"] for order in orders}
    drinks = house.request("GET", "/queue")["items"]
    assert ["Ramos Gin Fizz"] == [drink["recipe"]["name"] for drink in drinks if drink["late"]]
    assert {None, "bartender", "noor"} == {drink["claimed_by_username"] for drink in drinks}
    assert all(any(drink[field] for drink in drinks) for field in ("note", "modifiers", "rush"))
    assert "Aperol Spritz" not in {recipe["name"] for recipe in house.request("GET", "/menu")["recipes"]}
