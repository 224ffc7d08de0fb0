"""The guests' page, as guests use it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.guest_page import GuestPage
from tests.support.accessibility import assert_accessible
from tests.support.browser import BROKEN_CONNECTION, Pages
from tests.support.house import BARTENDER, GUEST, House
from tests.support.waiting import eventually

WITHIN_A_SECOND_MILLISECONDS = 1000


def test_the_menu_shows_what_can_be_had_with_its_allergens(house: House, pages: Pages) -> None:
    house.take_off_the_menu("Negroni")
    guest = GuestPage.opened(pages, as_user=None)
    expect(guest.drink("Amaretto Sour")).to_contain_text("amaretto, lemon juice")
    expect(guest.drink("Amaretto Sour")).to_contain_text("contains egg, nuts")
    expect(guest.drink("Negroni")).to_have_count(0)


def test_a_drink_is_found_by_name_and_ingredient_and_without_an_allergen(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages, as_user=None)
    guest.page.get_by_label("Find a drink or an ingredient").fill("sour EGG")
    expect(guest.drink("Amaretto Sour")).to_be_visible()
    expect(guest.drink("Negroni")).to_have_count(0)
    guest.page.get_by_text("Allergens").click()
    guest.page.get_by_role("checkbox", name="egg").check()
    expect(guest.drink("Amaretto Sour")).to_have_count(0)
    guest.page.reload()
    expect(guest.menu.first).to_be_visible()
    expect(guest.drink("Amaretto Sour")).to_have_count(0)
    expect(guest.page.get_by_text("without egg")).to_be_visible()


def test_a_round_with_wishes_is_ordered_and_followed_to_the_glass(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.add("Margarita", "Margarita", "Negroni")
    dialog = guest.open_round()
    dialog.get_by_label("Wishes for Negroni").fill("no ice")
    dialog.get_by_label("For the whole round").fill("all together")
    dialog.get_by_role("button", name="One more: Negroni").click()
    dialog.get_by_role("button", name="Order", exact=True).click()

    expect(guest.line("2 × Margarita")).to_contain_text("In line")
    expect(guest.line("2 × Negroni")).to_contain_text("no ice")
    expect(guest.orders).to_contain_text("all together")
    expect(guest.orders).to_contain_text(re.compile(r"1st in line · ready (in about \d+ min|any moment)"))

    order = the_only_order(house)
    house.post(f"/orders/{order['id']}/start")
    expect(guest.line("2 × Margarita")).to_contain_text("Being made")
    house.post(f"/orders/{order['id']}/items/1/complete")
    expect(guest.ready).to_contain_text("Margarita: fetch it at the bar")
    expect(guest.page).to_have_title(re.compile("Ready"))

    guest.ready.get_by_role("button", name="I have it").click()
    expect(guest.ready).not_to_be_visible()
    guest.page.reload()
    expect(guest.line("Ready")).to_be_visible()
    expect(guest.ready).not_to_be_visible()
    house.post(f"/orders/{order['id']}/complete")
    expect(guest.ready).to_contain_text("Margarita, 2 × Negroni: fetch it at the bar")
    house.post(f"/orders/{order['id']}/serve")
    expect(guest.ready).not_to_be_visible()
    expect(guest.history).to_contain_text("Served")


def test_ten_taps_order_once(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.add("Margarita")
    button = guest.open_round().get_by_role("button", name="Order", exact=True)
    button.evaluate("button => { for (let tap = 0; tap < 10; tap++) button.dispatchEvent(new Event('click')) }")
    expect(guest.line("Margarita")).to_be_visible()
    expect(guest.round).not_to_be_visible()
    the_only_order(house)


def test_an_order_whose_answer_was_lost_is_the_same_order_when_it_is_sent_again(house: House, pages: Pages) -> None:
    pages.allow(BROKEN_CONNECTION)
    guest = GuestPage.opened(pages)
    guest.add("Margarita")
    guest.page.route("**/orders", lambda route: (route.fetch(), route.abort()))  # it arrives, and nobody hears of it
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(guest.round).to_contain_text("No connection. Tap Order again: an unchanged round is ordered only once.")
    guest.page.unroute_all()
    guest.page.reload()
    expect(guest.page.get_by_role("button", name="Your round")).to_contain_text("1 drink")
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(guest.round).not_to_be_visible()
    expect(guest.line("Margarita")).to_be_visible()
    the_only_order(house)


def test_what_is_changed_while_the_answer_is_awaited_is_not_ordered_twice(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.add("Margarita")
    dialog = guest.open_round()
    held: list[Route] = []
    guest.page.route("**/orders", lambda route: held.append(route))  # noqa: PLW0108 - Playwright asks for a function
    with guest.page.expect_request("**/orders"):
        dialog.get_by_role("button", name="Order", exact=True).click()
    dialog.get_by_role("button", name="One more: Margarita").click()
    [route] = held
    route.continue_()
    expect(guest.line("Margarita")).to_be_visible()
    expect(guest.page.get_by_role("button", name="Your round")).to_contain_text("1 drink")


def test_a_round_that_was_ordered_in_one_tab_is_gone_from_the_other(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    other = GuestPage(guest.page.context.new_page())
    other.page.goto("/")
    guest.add("Margarita")
    expect(other.page.get_by_role("button", name="Your round")).to_contain_text("1 drink")
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(other.page.get_by_role("button", name="Your round")).to_contain_text("is empty")


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_phone_whose_clock_is_wrong_hears_that_a_drink_is_ready(house: House, pages: Pages, hours: int) -> None:
    made = house.place("Negroni")
    guest = GuestPage.opened(pages, now=datetime.now(UTC) + timedelta(hours=hours))
    expect(guest.orders).to_contain_text(re.compile(r"ready (in about \d min|any moment)"))
    house.post(f"/orders/{made}/complete")
    expect(guest.ready).to_contain_text("Negroni: fetch it at the bar")


def test_the_staff_see_their_own_orders_here_and_not_everybodys(house: House, pages: Pages) -> None:
    house.place("Negroni", as_user=GUEST)
    house.place("Margarita", as_user=BARTENDER)
    guest = GuestPage.opened(pages, as_user=BARTENDER)
    expect(guest.line("Margarita")).to_be_visible()
    expect(guest.line("Negroni")).to_have_count(0)


def test_the_keyboard_goes_on_at_the_drinks_that_were_ordered(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.order("Margarita")
    title = guest.page.get_by_role("heading", name="Your drinks")
    expect(title).to_be_focused()
    cancel = guest.page.get_by_role("button", name="Cancel: Margarita")
    cancel.focus()
    cancel.press("Enter")
    expect(guest.page.get_by_text("Canceled")).to_be_visible()
    expect(guest.page.get_by_role("heading", name="Before")).to_be_focused()


def test_a_drink_that_cannot_be_had_is_said_aloud(house: House, pages: Pages) -> None:
    made = house.place("Negroni", "Margarita")
    guest = GuestPage.opened(pages)
    expect(guest.line("Negroni")).to_be_visible()
    house.post(f"/orders/{made}/items/1/fail", {"reason": "no more gin"})
    messages = guest.page.get_by_role("log")
    expect(messages).to_contain_text("Negroni was not made: no more gin")
    house.post(f"/orders/{made}/items/2/cancel", {"reason": "we close"})
    expect(messages).to_contain_text("Margarita was canceled: we close")


@pytest.mark.parametrize("kept", ["no JSON", '{"lines": [null], "note": 1}', "7"])
def test_what_nobody_can_read_in_the_browsers_storage_is_left_aside(house: House, pages: Pages, kept: str) -> None:
    guest = GuestPage.opened(pages)
    guest.page.evaluate(
        "kept => ['round', 'avoided', 'fetched'].forEach(name => localStorage.setItem(name, kept))", kept
    )
    guest.page.reload()
    guest.order("Margarita")
    the_only_order(house)


def test_a_browser_that_keeps_nothing_orders_all_the_same(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError') } })"
    guest.page.add_init_script(refuse)
    guest.page.reload()
    guest.order("Margarita")
    the_only_order(house)


def test_a_drink_is_canceled_while_nobody_has_begun_it(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.order("Margarita", "Negroni")
    expect(guest.orders).to_contain_text("in line")
    guest.page.get_by_role("button", name="Cancel: Negroni", exact=True).click()
    expect(guest.line("Negroni")).to_contain_text("Canceled")
    order = the_only_order(house)
    house.post(f"/orders/{order['id']}/start")
    expect(guest.line("Margarita")).to_contain_text("Being made")
    expect(guest.page.get_by_role("button", name="Cancel: Margarita")).not_to_be_visible()


@pytest.mark.alone
def test_what_runs_out_leaves_the_menu_within_a_second(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    expect(guest.drink("Negroni")).to_be_visible()
    expect(guest.page.get_by_text("Live", exact=True)).to_be_visible()
    house.change_recipe("Negroni", {"available": False})
    expect(guest.drink("Negroni")).to_have_count(0, timeout=WITHIN_A_SECOND_MILLISECONDS)


def test_who_comes_too_late_for_the_last_one_is_told_so(house: House, pages: Pages) -> None:
    pages.allow("409")
    guest = GuestPage.opened(pages)
    guest.add("Negroni", "Margarita")
    house.take_off_the_menu("Negroni")
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(guest.round.get_by_role("listitem").filter(has_text="Negroni")).to_contain_text("Negroni is sold out.")
    guest.round.get_by_role("button", name="One less: Negroni").click()
    guest.round.get_by_role("button", name="Order", exact=True).click()
    expect(guest.line("Margarita")).to_be_visible()


def test_who_lost_the_race_for_the_last_one_is_told_so(house: House, pages: Pages) -> None:
    house.change_recipe("Negroni", {"remaining": 1})
    guest = GuestPage.opened(pages)
    expect(guest.drink("Negroni")).to_contain_text("only 1 left")
    guest.add("Negroni", "Negroni")
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(guest.line("Not made: just sold out, sorry")).to_be_visible()
    expect(guest.drink("Negroni")).to_have_count(0)


def test_a_closed_bar_says_so_and_takes_no_round(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    house.request("PATCH", "/bar", {"accepting": False, "reason": "The ice is out."})
    expect(guest.page.get_by_text("The bar takes no orders right now. The ice is out.")).to_be_visible()
    expect(guest.page.get_by_role("button", name="Add: Margarita", exact=True)).to_be_disabled()


def test_somebody_without_an_account_makes_one_and_orders(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages, as_user=None)
    guest.add("Margarita")
    guest.page.get_by_role("button", name="Your round").click()
    dialog = guest.page.get_by_role("dialog", name="Who is it for?")
    dialog.get_by_role("button", name="I have no account yet").click()
    dialog.get_by_label("E-mail").fill("ada@example.com")
    dialog.get_by_label("Password").fill("a long password")
    dialog.get_by_label("Your name").fill("Ada")
    dialog.get_by_role("button", name="Create my account").click()
    expect(guest.page.get_by_role("button", name="Ada", exact=True)).to_be_visible()
    guest.open_round().get_by_role("button", name="Order", exact=True).click()
    expect(guest.line("Margarita")).to_be_visible()


def test_who_signs_out_is_gone_before_the_answer_and_nothing_is_read_for_them(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route) if route.request.method == "DELETE" else route.continue_()

    guest.page.route("**/session", hold)
    guest.page.get_by_role("button", name="user").click()
    guest.page.get_by_role("button", name="Sign out").click()
    expect(guest.page.locator("#open-account")).to_have_text("Sign in")
    held[0].continue_()
    expect(guest.page.get_by_role("dialog")).not_to_be_visible()


def test_the_guests_page_is_accessible_in_each_of_its_states(house: House, pages: Pages) -> None:
    guest = GuestPage.opened(pages)
    guest.order("Amaretto Sour", "Negroni")
    order = the_only_order(house)
    house.post(f"/orders/{order['id']}/items/1/complete")
    expect(guest.ready).to_be_visible()
    house.request("PATCH", "/bar", {"closes_at": None, "accepting": True, "reason": "Quiz night"})
    assert_accessible(guest.page)
    guest.add("Margarita")
    guest.open_round()
    assert_accessible(guest.page)
    guest.round.get_by_role("button", name="Not yet").click()
    guest.page.get_by_role("button", name="user").click()
    guest.page.get_by_role("button", name="Sign out").click()
    guest.page.get_by_role("button", name="Sign in").click()
    assert_accessible(guest.page)


def the_only_order(house: House) -> dict[str, Any]:
    """What the guest has ordered, once it is stored."""
    orders = eventually(lambda: house.request("GET", "/orders", as_user=GUEST)["orders"])
    assert 1 == len(orders)
    only: dict[str, Any] = orders[0]
    return only
