"""The bar's board, as bartenders use it."""

import re
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Route, expect

from shakerqueue.making import act_on_order
from shakerqueue.order_lifecycle import Actor, Verb
from shakerqueue.queries import orders
from shakerqueue.queries.models import UserRole
from tests.browser.board_page import BoardPage
from tests.support.accessibility import assert_accessible
from tests.support.browser import BROKEN_CONNECTION, FULL_HD, PHONE, TABLET, Pages
from tests.support.house import ADMIN, BARTENDER, GUEST, House

WITHIN_A_SECOND_MILLISECONDS = 1000
PINS = {"admin": "1379", "bartender": "2580"}


def too_many_requests(route: Route) -> None:
    """As the API refuses them, with another second to go."""
    route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "Too many requests."})


@pytest.mark.alone
def test_an_order_is_on_every_board_within_a_second(house: House, pages: Pages) -> None:
    boards = [BoardPage.opened(pages), BoardPage.opened(pages, as_user=ADMIN)]
    house.post("/orders", {"recipe": "Margarita", "ticket": "Table 4"}, as_user=GUEST)
    for board in boards:
        expect(board.line("Table 4", "Margarita")).to_be_visible(timeout=WITHIN_A_SECOND_MILLISECONDS)


def test_what_is_due_first_hangs_first_with_its_age_and_its_deadline(house: House, pages: Pages) -> None:
    house.place("Margarita", ticket="later")
    house.place("Margarita", ticket="first", rush=True, as_user=BARTENDER)
    rush = "(SELECT id FROM orders WHERE rush)"
    house.bar.change(f"UPDATE order_items SET due_at = now() - interval '75 s' WHERE order_id IN {rush}")
    house.bar.change("UPDATE orders SET placed_at = now() - interval '130 s' WHERE rush")
    board = BoardPage.opened(pages)
    expect(board.tickets.first).to_contain_text("first")
    expect(board.ticket("first")).to_contain_text(re.compile(r"2:1\d"))
    expect(board.ticket("first")).to_contain_text(re.compile(r"late 1:[12]\d"))
    expect(board.ticket("first")).to_contain_text("Rush")
    expect(board.ticket("later")).to_contain_text(re.compile(r"due in \d+:\d\d"))


def test_notes_modifiers_and_allergens_are_always_in_sight(house: House, pages: Pages) -> None:
    drink = {"recipe": "Amaretto Sour", "note": "no egg white, please", "modifiers": ["no ice", "double"]}
    house.place(drink, ticket="T1", note="Birthday: all together")
    for viewport in (FULL_HD, TABLET, PHONE):
        page = pages.open("/board", as_user=BARTENDER, viewport=viewport)
        for text in ("no egg white, please", "no ice · double", "contains egg, nuts", "Birthday: all together"):
            expect(page.get_by_text(text).first).to_be_visible()
    board = BoardPage.opened(pages)
    board.claim_at_most(1)
    for text in ("no egg white, please", "no ice · double", "contains egg, nuts", "Birthday: all together"):
        expect(board.hand.get_by_text(text)).to_be_visible()


def test_the_same_drink_is_claimed_and_made_at_once_and_can_be_taken_back(house: House, pages: Pages) -> None:
    house.place({"recipe": "Margarita", "quantity": 2}, ticket="T1")
    house.place("Negroni", "Margarita", ticket="T2")
    board = BoardPage.opened(pages)
    expect(board.claim).to_contain_text("3 × Margarita")

    board.claim_at_most(3)
    expect(board.hand).to_contain_text("3 × Margarita")
    expect(board.hand).to_contain_text("tequila")
    expect(board.line("T1", "2 × Margarita")).to_contain_text("bartender makes it")
    expect(board.line("T2", "Margarita")).to_contain_text("bartender makes it")

    board.tap("All 3 done")
    expect(board.hand).not_to_contain_text("Margarita")
    expect(board.ticket("T2")).to_contain_text("1 of 2 left")
    assert 3 == made(house, "Margarita")

    expect(board.undo).to_contain_text("3 × Margarita done")
    board.undo.click()
    expect(board.hand).to_contain_text("3 × Margarita")
    assert 0 == made(house, "Margarita")

    expect(board.undo).to_contain_text("claimed")
    board.undo.click()
    expect(board.hand).not_to_contain_text("Margarita")
    expect(board.line("T1", "2 × Margarita")).not_to_contain_text("makes it")
    expect(board.undo).to_be_disabled()


def test_one_tap_makes_a_drink_and_the_next_one_at_the_same_place_takes_it_back(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    board = BoardPage.opened(pages)
    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    undo = board.line("T1", "Negroni").get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    assert 1 == made(house, "Negroni")
    undo.click()
    expect(board.line("T1", "Negroni").get_by_role("button", name="Done")).to_be_visible()
    assert [("pending", None)] == house.bar.query("SELECT status::text, claimed_by FROM order_items")


def test_a_finished_ticket_leaves_the_board(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    board = BoardPage.opened(pages)
    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    expect(board.tickets).to_have_count(0)
    expect(board.page.get_by_text("Nothing to make.")).to_be_visible()


def test_a_canceled_drink_stays_until_somebody_has_seen_it(house: House, pages: Pages) -> None:
    order = house.place("Negroni", "Margarita", ticket="T1")
    here, there = BoardPage.opened(pages), BoardPage.opened(pages, as_user=ADMIN)
    house.post(f"/orders/{order}/items/1/cancel", {"reason": "changed my mind"}, as_user=GUEST)
    for board in (here, there):
        expect(board.line("T1", "Negroni")).to_contain_text("Canceled: changed my mind")
        expect(board.line("T1", "Negroni").locator(".name")).to_have_css("text-decoration-line", "line-through")
    later = BoardPage.opened(pages)  # nothing depends on having been there
    later.line("T1", "Negroni").get_by_role("button", name="Seen").click()
    for board in (here, there, later):
        expect(board.line("T1", "Negroni")).to_have_count(0)
        expect(board.line("T1", "Margarita")).to_be_visible()


def test_a_drink_that_is_canceled_in_somebodys_hands_is_struck_through_there(house: House, pages: Pages) -> None:
    order = house.place({"recipe": "Negroni", "quantity": 2}, ticket="T1")
    board = BoardPage.opened(pages)
    board.claim_at_most(2)
    expect(board.hand).to_contain_text("2 × Negroni")
    house.post(f"/orders/{order}/items/2/cancel", {"reason": "guest left"}, as_user=ADMIN)
    expect(board.hand.get_by_text("Canceled: guest left")).to_be_visible()
    expect(board.hand.get_by_role("heading", name="Negroni", exact=True)).to_be_visible()
    board.hand.get_by_role("button", name="Seen: Negroni").click()
    expect(board.hand.get_by_text("Canceled")).to_have_count(0)
    expect(board.hand.get_by_role("button", name="Done: Negroni")).to_be_visible()


def test_two_boards_that_claim_at_once_get_different_drinks(house: House, pages: Pages) -> None:
    for number in range(6):
        house.place("Margarita", ticket=f"T{number}")
    boards = [BoardPage.opened(pages), BoardPage.opened(pages, as_user=ADMIN)]
    for board in boards:
        board.page.get_by_label("At once").select_option("3")
    for board in boards:  # neither is waited for
        board.claim.dispatch_event("click")
    for board in boards:
        expect(board.hand).to_contain_text("3 × Margarita")
    assert [("admin", 3), ("bartender", 3)] == house.bar.query(
        "SELECT username, count(*) FROM order_items JOIN users ON users.id = claimed_by GROUP BY 1 ORDER BY 1"
    )
    expect(boards[0].ticket("T5")).to_contain_text(re.compile("(admin|bartender) makes it"))


def test_a_board_says_that_it_is_stale_and_catches_up_by_itself(house: House, pages: Pages) -> None:
    pages.allow(BROKEN_CONNECTION)
    pages.allow("503")
    order = house.place("Negroni", ticket="before")
    canceled = house.place("Margarita", ticket="canceled meanwhile")
    board = BoardPage.opened(pages)
    expect(board.ticket("before")).to_be_visible()
    with house.api_killed():
        expect(board.stale).to_be_visible()
        board.line("before", "Negroni").get_by_role("button", name="Done").click()
        expect(board.page.get_by_text("Not saved")).to_be_visible()
        cancel_behind_its_back(house, canceled)
    expect(board.stale).not_to_be_visible()
    expect(board.line("canceled meanwhile", "Margarita")).to_contain_text("Canceled")
    house.place("Mojito", ticket="after")
    expect(board.line("after", "Mojito")).to_be_visible()
    board.line("before", "Negroni").get_by_role("button", name="Done").click()
    expect(board.line("before", "Negroni").get_by_role("button", name="Undo")).to_be_visible()
    assert "complete" == house.request("GET", f"/orders/{order}")["status"]


def test_a_drink_is_86ed_in_two_taps_and_what_waits_for_it_is_said(house: House, pages: Pages) -> None:
    house.place({"recipe": "Negroni", "quantity": 2}, ticket="T1")
    house.place("Negroni", "Margarita", ticket="T2")
    board = BoardPage.opened(pages)

    board.page.get_by_role("button", name="86", exact=True).click()
    dialog = board.dialog("86: what is sold out")
    expect(dialog.get_by_role("listitem").filter(has_text="Negroni").first).to_contain_text("3 waiting on 2 tickets")
    dialog.get_by_role("button", name="86: Negroni", exact=True).click()

    expect(dialog.get_by_role("button", name="Back on: Negroni")).to_be_visible()
    assert "Negroni" not in offered(house)
    dialog.get_by_role("button", name="Fail the 3 waiting").click()
    expect(board.page.get_by_text("3 × Negroni failed as sold out.")).to_be_visible()
    dialog.get_by_role("button", name="Back on: Negroni").click()
    expect(dialog.get_by_role("button", name="86: Negroni", exact=True)).to_be_visible()
    assert "Negroni" in offered(house)
    dialog.get_by_role("button", name="Close").click()
    expect(board.line("T2", "Margarita")).to_be_visible()
    expect(board.ticket("T1")).to_have_count(0)


@pytest.mark.alone
def test_what_runs_out_is_said_on_every_board_within_a_second(house: House, pages: Pages) -> None:
    house.change_recipe("Negroni", {"remaining": 1})
    boards = [BoardPage.opened(pages), BoardPage.opened(pages, as_user=ADMIN)]
    house.post("/orders", {"recipe": "Negroni"}, as_user=GUEST)  # the last one
    for board in boards:
        expect(board.page.get_by_text("86: Negroni")).to_be_visible(timeout=WITHIN_A_SECOND_MILLISECONDS)


def test_an_86_is_taken_back_like_any_other_tap(house: House, pages: Pages) -> None:
    board = BoardPage.opened(pages)
    board.page.get_by_role("button", name="86", exact=True).click()
    board.dialog("86: what is sold out").get_by_role("button", name="86: Negroni", exact=True).click()
    expect(board.dialog("86: what is sold out").get_by_role("button", name="Back on: Negroni")).to_be_visible()
    board.dialog("86: what is sold out").get_by_role("button", name="Close").click()
    expect(board.undo).to_contain_text("86 Negroni")
    board.undo.click()
    expect(board.page.get_by_text("Taken back: 86 Negroni.")).to_be_visible()
    assert "Negroni" in offered(house)


def test_the_bar_is_paused_and_opened_again(house: House, pages: Pages) -> None:
    here, there = BoardPage.opened(pages), BoardPage.opened(pages, as_user=ADMIN)
    here.tap("Pause")
    here.dialog("No new orders").get_by_label("What guests are told").fill("The ice is out")
    here.dialog("No new orders").get_by_role("button", name="for 20 minutes").click()
    said = re.compile(r"No new orders from guests until .*: The ice is out")
    for board in (here, there):
        expect(board.page.get_by_text(said)).to_be_visible()
    assert (False, "The ice is out") == (bar(house)["accepting"], bar(house)["reason"])
    there.tap("Open again")
    for board in (here, there):
        expect(board.page.get_by_text("No new orders from guests")).not_to_be_visible()
    assert bar(house)["accepting"]


def test_colleagues_take_over_by_pin_so_that_each_tap_carries_the_right_name(house: House, pages: Pages) -> None:
    pages.allow("422")
    house.place("Negroni", "Margarita", ticket="T1")
    board = BoardPage.opened(pages)
    board.page.get_by_role("button", name="Signed in: bartender").click()
    dialog = board.dialog("Who is at the board?")
    dialog.get_by_role("button", name="admin").click()
    for digit in "9999":
        dialog.get_by_role("button", name=digit, exact=True).click()
    dialog.get_by_role("button", name="OK").click()
    expect(dialog.get_by_text("This is not the PIN.")).to_be_visible()
    for digit in PINS["admin"]:
        dialog.get_by_role("button", name=digit, exact=True).click()
    dialog.get_by_role("button", name="OK").click()
    expect(board.page.get_by_role("button", name="Signed in: admin")).to_be_visible()
    expect(board.page.get_by_text("admin is at the board.")).to_be_visible()

    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    expect(board.line("T1", "Negroni").get_by_role("button", name="Undo")).to_be_visible()
    assert [("admin",)] == house.bar.query(
        "SELECT username FROM order_items JOIN users ON users.id = claimed_by WHERE recipe = 'Negroni'"
    )


def test_what_is_ready_is_marked_as_gone_and_can_be_taken_back(house: House, pages: Pages) -> None:
    order = house.place("Negroni", {"recipe": "Margarita", "quantity": 2}, ticket="T1")
    house.post(f"/orders/{order}/complete")
    board = BoardPage.opened(pages)
    ready = board.page.get_by_role("region", name="Ready")
    expect(ready).to_contain_text("2 × Margarita")
    ready.get_by_role("button", name="Gone: T1").click()
    expect(ready).not_to_be_visible()
    assert [(3,)] == house.bar.query("SELECT count(*) FROM order_items WHERE served_at IS NOT NULL")
    board.undo.click()
    expect(ready).to_contain_text("Negroni")
    assert [(0,)] == house.bar.query("SELECT count(*) FROM order_items WHERE served_at IS NOT NULL")


def test_what_cannot_be_made_is_failed_with_its_reason(house: House, pages: Pages) -> None:
    order = house.place("Negroni", ticket="T1")
    board = BoardPage.opened(pages)
    board.line("T1", "Negroni").get_by_role("button", name="Negroni, T1: more").click()
    board.dialog("Negroni").get_by_role("button", name="something is missing").click()
    expect(board.ticket("T1")).to_have_count(0)
    assert "Something is missing" == house.request("GET", f"/orders/{order}")["items"][0]["error"]
    board.undo.click()
    expect(board.line("T1", "Negroni").get_by_role("button", name="Done")).to_be_visible()


def test_the_board_shows_one_station(house: House, pages: Pages) -> None:
    house.place("Margarita", ticket="well")
    house.place("Aperol Spritz", ticket="service")
    board = BoardPage.opened(pages)
    expect(board.tickets).to_have_count(2)
    board.page.get_by_label("Station").select_option("service")
    expect(board.tickets).to_have_count(1)
    expect(board.claim).to_contain_text("Aperol Spritz")
    board.claim.click()
    expect(board.hand).to_contain_text("Aperol Spritz")


def test_everything_can_be_done_by_keyboard_and_nothing_takes_the_focus_away(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    house.place("Margarita", ticket="T2")
    board = BoardPage.opened(pages)
    done = board.line("T2", "Margarita").get_by_role("button", name="Done")
    done.focus()
    order = house.place("Mojito", ticket="T3", rush=True, as_user=BARTENDER)
    expect(board.tickets.first).to_contain_text("Mojito")
    house.post(f"/orders/{order}/complete")
    expect(board.ticket("T3")).to_have_count(0)
    expect(done).to_be_focused()
    board.page.keyboard.press("Enter")
    expect(board.line("T2", "Margarita").get_by_role("button", name="Undo")).to_be_visible()
    assert 1 == made(house, "Margarita")


def test_somebody_who_is_not_signed_in_sees_no_orders(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    page = pages.open("/board")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    expect(page.get_by_text("T1")).not_to_be_visible()
    pages.allow("401")
    dialog.get_by_label("E-mail").fill(BARTENDER)
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("do not fit")
    dialog.get_by_label("Password").fill("password123")
    dialog.get_by_role("button", name="Sign in").click()
    expect(BoardPage(page).ticket("T1")).to_be_visible()
    page.get_by_role("button", name="Signed in: bartender").click()
    page.get_by_role("button", name="Sign out").click()
    expect(dialog).to_be_visible()
    expect(BoardPage(page).ticket("T1")).to_have_count(0)


def test_a_board_that_asked_too_often_is_not_signed_out(house: House, pages: Pages) -> None:
    pages.allow("401|429")
    board = BoardPage.opened(pages)
    board.page.route("**/session/refresh", too_many_requests, times=1)
    with board.page.expect_response("**/session/refresh"):
        board.page.route("**/queue?*", lambda route: route.fulfill(status=401, json={}), times=1)
    house.place("Negroni", ticket="T1")
    expect(board.ticket("T1")).to_be_visible()
    expect(board.dialog("Sign in")).not_to_be_visible()


def test_a_page_that_may_not_ask_yet_who_is_signed_in_asks_again(house: House, pages: Pages) -> None:
    pages.allow("429")
    house.place("Negroni", ticket="T1")
    page = pages.open("/board", as_user=BARTENDER)
    page.route("**/session", too_many_requests, times=1)
    page.reload()
    expect(BoardPage(page).ticket("T1")).to_be_visible()


def test_who_signs_in_with_the_whole_shift_waits_for_their_turn(house: House, pages: Pages) -> None:
    pages.allow("503")
    page = pages.open("/board")
    dialog = page.get_by_role("dialog", name="Sign in")
    page.route("**/session", lambda route: route.fulfill(status=503, json={"detail": "Try again."}), times=2)
    dialog.get_by_label("E-mail").fill(BARTENDER)
    dialog.get_by_label("Password").fill("password123")
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Signed in: bartender")).to_be_visible()


def test_a_guest_is_told_that_the_board_is_not_for_them(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    page = pages.open("/board", as_user=GUEST)
    expect(page.get_by_text("This account is a guest's")).to_be_visible()
    expect(BoardPage(page).tickets).to_have_count(0)


def test_a_busy_board_is_accessible_with_each_of_its_dialogs(house: House, pages: Pages) -> None:
    order = house.place("Negroni", {"recipe": "Amaretto Sour", "note": "no egg", "modifiers": ["double"]}, ticket="T1")
    house.place("Margarita", ticket="T2", rush=True, as_user=BARTENDER)
    house.bar.change("UPDATE order_items SET due_at = now() - interval '75 s' WHERE recipe = 'Margarita'")
    house.post(f"/orders/{order}/items/1/cancel", as_user=GUEST)
    house.request("PATCH", "/bar", {"accepting": False})
    board = BoardPage.opened(pages)
    board.claim_at_most(1)
    expect(board.hand).to_contain_text("Margarita")
    expect(board.claim).to_be_enabled()
    assert_accessible(board.page)
    for opener in ("86", "Signed in: bartender", "Amaretto Sour, T1: more"):
        board.page.get_by_role("button", name=opener, exact=True).click()
        expect(board.page.get_by_role("dialog")).to_be_visible()
        assert_accessible(board.page)
        board.page.get_by_role("dialog").get_by_role("button", name="Close").click()


def cancel_behind_its_back(house: House, order_id: str) -> None:
    """As a guest does it through another process."""
    with psycopg.connect(house.bar.database_url) as conn:
        order = orders.get_order(conn, id=UUID(order_id))
        assert order is not None
        guest = Actor(order.principal_id, UserRole.CUSTOMER)
        act_on_order(conn, order.id, Verb.CANCEL, guest, datetime.now(UTC))


def made(house: House, recipe: str) -> int:
    [(count,)] = house.bar.query(f"SELECT count(*) FROM order_items WHERE recipe = '{recipe}' AND status = 'complete'")
    assert isinstance(count, int)
    return count


def offered(house: House) -> list[str]:
    """What can be ordered, as the database has it: a process may know it a moment later."""
    return [str(name) for (name,) in house.bar.query("SELECT name FROM recipes WHERE available")]


def bar(house: House) -> dict[str, object]:
    [(accepting, reason)] = house.bar.query("SELECT accepting, reason FROM bar")
    return {"accepting": accepting, "reason": reason}
