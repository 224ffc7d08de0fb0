"""The board under hasty fingers, on a bad network, and on a tablet that is not as it should be."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.board_page import BoardPage
from tests.support.browser import BROKEN_CONNECTION, FULL_HD, PHONE, TABLET, Pages
from tests.support.house import ADMIN, House
from tests.support.waiting import eventually

PINS = {"admin": "1379"}


class Held:
    """Requests to a path that the network holds back until they are let go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.routes: list[Route] = []
        self._page = page
        self._pattern = pattern
        page.route(pattern, self._hold)

    def _hold(self, route: Route) -> None:
        self.routes.append(route)

    def await_first(self) -> None:
        while not self.routes:
            self._page.wait_for_timeout(10)

    def let_go(self) -> None:
        self.await_first()
        for route in self.routes:
            route.continue_()
        self._page.unroute(self._pattern)


def test_a_second_tap_on_claim_waits_for_the_answer_to_the_first(house: House, pages: Pages) -> None:
    house.place({"recipe": "Margarita", "quantity": 4}, ticket="T1")
    board = BoardPage.opened(pages)
    claims = Held(board.page, "**/queue/claim")
    board.claim_at_most(1)
    house.place("Negroni", ticket="T2")  # the board shows it, and with that all that it shows anew
    expect(board.ticket("T2")).to_be_visible()
    expect(board.claim).to_be_disabled()
    claims.let_go()
    expect(board.hand).to_contain_text("Margarita")
    expect(board.claim).to_be_enabled()


def test_a_double_tap_on_done_does_not_take_it_back(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    board = BoardPage.opened(pages)
    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    undo = board.line("T1", "Negroni").get_by_role("button", name="Undo")
    undo.dispatch_event("click")
    expect(undo).to_be_enabled()
    expect(board.undo).to_contain_text("Negroni done")


def test_a_drink_keeps_its_place_while_its_answer_is_on_the_way_though_the_queue_is_ahead(
    house: House, pages: Pages
) -> None:
    house.place("Negroni", ticket="T1")
    house.place("Margarita", ticket="T2")
    board = BoardPage.opened(pages)
    done = Held(board.page, "**/complete")
    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    done.await_first()
    answer = done.routes[0].fetch()
    expect(board.all_day).not_to_contain_text("Negroni")
    expect(board.tickets.first).to_contain_text("T1")
    done.routes[0].fulfill(response=answer)
    expect(board.line("T1", "Negroni").get_by_role("button", name="Undo")).to_be_enabled()


def test_a_double_tap_on_86_does_not_put_it_back_on(house: House, pages: Pages) -> None:
    board = BoardPage.opened(pages)
    board.page.get_by_role("button", name="86", exact=True).click()
    dialog = board.dialog("86: what is sold out")
    dialog.get_by_role("button", name="86: Negroni", exact=True).click()
    back_on = dialog.get_by_role("button", name="Back on: Negroni")
    back_on.dispatch_event("click")
    expect(back_on).to_be_enabled()
    assert "Negroni" not in offered(house)


def test_a_message_can_be_answered_while_a_dialog_is_open_and_after(house: House, pages: Pages) -> None:
    board = BoardPage.opened(pages)
    board.page.get_by_role("button", name="86", exact=True).click()
    dialog = board.dialog("86: what is sold out")
    dialog.get_by_role("button", name="86: Negroni", exact=True).click()
    messages = board.page.get_by_role("log", name="Messages")
    messages.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_role("button", name="86: Negroni", exact=True)).to_be_visible()
    dialog.get_by_role("button", name="86: Mojito", exact=True).click()
    expect(messages).to_contain_text("Mojito is 86'd.")
    dialog.get_by_role("button", name="Close").click()
    messages.get_by_role("button", name="Undo").click()
    eventually(lambda: "Mojito" in offered(house))


def test_a_dialog_closes_by_a_tap_beside_it_and_not_by_one_between_its_buttons(house: House, pages: Pages) -> None:
    board = BoardPage.opened(pages)
    board.tap("Pause")
    dialog = board.dialog("No new orders")
    dialog.click(position={"x": 5, "y": 5})
    expect(dialog).to_be_visible()
    board.page.mouse.click(5, 5)
    expect(dialog).not_to_be_visible()


def test_what_was_being_read_at_the_sign_out_is_shown_to_nobody(house: House, pages: Pages) -> None:
    board = BoardPage.opened(pages)
    queue = Held(board.page, "**/queue?*")
    house.place("Negroni", ticket="T1")
    queue.await_first()
    answer = queue.routes[0].fetch()
    board.page.get_by_role("button", name="Signed in: bartender").click()
    board.page.get_by_role("button", name="Sign out").click()
    expect(board.dialog("Sign in")).to_be_visible()
    with board.page.expect_response("**/queue?*"):
        queue.routes[0].fulfill(response=answer)
    board.page.evaluate("new Promise((shown) => requestAnimationFrame(() => requestAnimationFrame(shown)))")
    expect(board.tickets).to_have_count(0)


def test_the_sign_in_cannot_be_closed(pages: Pages) -> None:
    page = pages.open("/board")
    dialog = page.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog).to_be_visible()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_pause_is_as_long_as_it_says_whatever_the_tablet_takes_for_the_time(
    house: House, pages: Pages, hours: int
) -> None:
    page = pages.open("/board", as_user=ADMIN, now=datetime.now(UTC) + timedelta(hours=hours))
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="for 20 minutes").click()
    expect(page.get_by_text("No new orders from guests until")).to_be_visible()
    [(minutes,)] = house.bar.query("SELECT round(extract(epoch FROM reopens_at - now()) / 60)::int FROM bar")
    assert 20 == minutes


def test_the_keyboard_stays_where_it_is_when_a_drink_is_done_and_taken_back(house: House, pages: Pages) -> None:
    house.place("Negroni", ticket="T1")
    house.place("Margarita", ticket="T2")
    board = BoardPage.opened(pages)
    line = board.line("T1", "Negroni")
    line.get_by_role("button", name="Done").focus()
    board.page.keyboard.press("Enter")
    expect(line.get_by_role("button", name="Undo")).to_be_focused()
    expect(line.get_by_role("button", name="Undo")).to_be_enabled()
    board.page.keyboard.press("Enter")
    expect(line.get_by_role("button", name="Done")).to_be_focused()
    board.claim.focus()
    board.page.keyboard.press("Enter")
    expect(board.hand).to_contain_text("Negroni")
    expect(board.claim).to_be_focused()


FORBIDDEN = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } })"
GARBAGE = "localStorage.setItem('batch', 'many'); localStorage.setItem('station', '')"


@pytest.mark.parametrize("storage", [FORBIDDEN, GARBAGE], ids=["forbidden", "garbage"])
def test_a_board_needs_no_storage(house: House, pages: Pages, storage: str) -> None:
    house.place("Negroni", ticket="T1")
    page = pages.open("/livez", as_user=ADMIN)
    page.add_init_script(storage)
    page.goto("/board")
    board = BoardPage(page)
    expect(board.ticket("T1")).to_be_visible()
    page.get_by_label("Station").select_option("")
    board.claim.click()
    expect(board.hand).to_contain_text("Negroni")


def test_a_stream_is_opened_anew_after_a_reading_failed(house: House, pages: Pages) -> None:
    """For one that came to no end on this side may have come to one on the other."""
    pages.allow(BROKEN_CONNECTION)
    board = BoardPage.opened(pages)
    board.page.route("**/queue?*", lambda route: route.abort())
    house.place("Negroni", ticket="T1")
    expect(board.stale).to_be_visible()
    with board.page.expect_request("**/events"):
        board.page.unroute("**/queue?*")
    expect(board.ticket("T1")).to_be_visible()


def test_what_is_left_of_an_order_is_counted_at_once(house: House, pages: Pages) -> None:
    house.place("Negroni", "Margarita", ticket="T1")
    board = BoardPage.opened(pages)
    expect(board.ticket("T1")).to_contain_text("2 of 2 left")
    board.line("T1", "Negroni").get_by_role("button", name="Done").click()
    expect(board.line("T1", "Negroni").get_by_role("button", name="Undo")).to_be_visible()
    expect(board.ticket("T1")).to_contain_text("1 of 2 left", timeout=2000)


def test_a_double_tap_on_ok_is_one_attempt(house: House, pages: Pages) -> None:
    pages.allow("422")
    board = BoardPage.opened(pages)
    board.page.get_by_role("button", name="Signed in: bartender").click()
    dialog = board.dialog("Who is at the board?")
    dialog.get_by_role("button", name="admin").click()
    dialog.get_by_role("textbox", name="PIN of admin").fill("9999")
    attempts = Held(board.page, "**/session/switch")
    for _ in range(2):
        dialog.get_by_role("button", name="OK").dispatch_event("click")
    attempts.let_go()
    expect(dialog.get_by_text("This is not the PIN.")).to_be_visible()
    assert 1 == len(attempts.routes)


def test_a_chosen_station_is_in_sight_on_a_phone(house: House, pages: Pages) -> None:
    house.place("Margarita", ticket="T1")
    page = pages.open("/board", as_user=ADMIN, viewport=PHONE)
    expect(BoardPage(page).ticket("T1")).to_be_visible()
    page.evaluate("localStorage.setItem('station', '\"service\"')")
    page.reload()
    expect(page.get_by_label("Station")).to_be_visible()


@pytest.mark.parametrize("viewport", [FULL_HD, TABLET], ids=["wall", "tablet"])
def test_an_order_that_is_higher_than_the_screen_goes_on_in_the_next_column(
    house: House, pages: Pages, viewport: ViewportSize
) -> None:
    drinks = [{"recipe": "Negroni", "note": f"{number}: {'no nuts, please ' * 6}"} for number in range(8)]
    house.place(*drinks, ticket="T1")
    board = BoardPage(pages.open("/board", as_user=ADMIN, viewport=viewport))
    lines = board.ticket("T1").locator(".lines > li")
    expect(lines).to_have_count(8)
    floor = board.page.locator(".actions").bounding_box()
    ends = [box["y"] + box["height"] for line in lines.all() if (box := line.bounding_box())]
    assert floor
    assert 8 == len([end for end in ends if end <= floor["y"]])


def test_another_tab_learns_who_took_over_though_its_network_fails_for_a_moment(house: House, pages: Pages) -> None:
    """Both have the same cookies: what it does carries the new name, whatever it shows."""
    pages.allow(BROKEN_CONNECTION)
    here = BoardPage.opened(pages)
    there = BoardPage(here.page.context.new_page())
    there.page.goto("/board")
    expect(there.page.get_by_role("button", name="Signed in: bartender")).to_be_visible()
    there.page.route("**/session", lambda route: route.abort(), times=1)
    here.tap("Signed in: bartender")
    dialog = here.dialog("Who is at the board?")
    dialog.get_by_role("button", name="admin").click()
    dialog.get_by_role("textbox", name="PIN of admin").fill(PINS["admin"])
    dialog.get_by_role("button", name="OK").click()
    expect(there.page.get_by_role("button", name="Signed in: admin")).to_be_visible()


def offered(house: House) -> list[str]:
    """What can be ordered, as the database has it."""
    return [str(name) for (name,) in house.bar.query("SELECT name FROM recipes WHERE available")]
