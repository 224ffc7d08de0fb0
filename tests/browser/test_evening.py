"""One evening over three pages at once: a guest at a table, the bar, and the manager."""

import re

from playwright.sync_api import expect

from tests.browser.board_page import BoardPage
from tests.browser.guest_page import GuestPage
from tests.support.accessibility import assert_accessible
from tests.support.browser import Pages
from tests.support.house import ADMIN, BARTENDER, House

TABLE = "Terrace 4"


def test_an_evening_from_the_code_on_the_table_to_the_managers_figures(house: House, pages: Pages) -> None:
    manager = pages.open("/manager", as_user=ADMIN)
    tables = manager.get_by_role("region", name="Tables")
    tables.get_by_label("New tables").fill(TABLE)
    tables.get_by_role("button", name="Add").click()
    code = tables.get_by_role("listitem").filter(has_text=TABLE).locator(".link").inner_text()

    board = BoardPage.opened(pages, as_user=BARTENDER)
    guest = GuestPage.opened(pages, path_of(code, house), as_user=None)
    expect(guest.page.get_by_role("banner")).to_contain_text(TABLE)
    assert f"{house.url}/" == guest.page.url  # the link is nobody's to pass on
    guest.order("Negroni", "Margarita", "Mojito")

    expect(board.line(TABLE, "Negroni")).to_be_visible()
    guest.page.get_by_role("button", name="Cancel: Mojito").click()
    expect(board.line(TABLE, "Mojito")).to_contain_text("Canceled")
    board.line(TABLE, "Mojito").get_by_role("button", name="Seen").click()

    board.claim_at_most(1)
    first = board.hand.get_by_role("heading", level=3).inner_text()
    expect(guest.line(first)).to_contain_text("Being made")
    board.hand.get_by_role("button", name=re.compile(f"Done: {first}")).click()
    expect(guest.ready).to_contain_text(f"{first}: fetch it at the bar")
    board.page.get_by_role("button", name=f"Gone: {TABLE}").click()
    expect(guest.ready).not_to_be_visible()
    expect(guest.line(first)).to_contain_text("Served")

    menu = manager.get_by_role("region", name="Menu").last
    menu.get_by_role("button", name="86: Paloma", exact=True).click()
    expect(guest.drink("Paloma")).to_have_count(0)
    manager.reload()
    figures = manager.locator("#figures")
    expect(figures.get_by_text("Orders").locator("..")).to_contain_text("1")
    expect(figures.get_by_text("Drinks made").locator("..")).to_contain_text("1")
    expect(manager.locator("figure").filter(has_text="Drinks by hour").get_by_role("img")).to_be_visible()
    expect(manager.get_by_role("region", name="Not made")).to_contain_text("Canceled")
    for page in (guest.page, board.page, manager):
        assert_accessible(page)


def test_a_code_that_was_renewed_lets_nobody_in_and_ends_the_passes(house: House, pages: Pages) -> None:
    [table] = house.post("/tables", {"labels": [TABLE]})["tables"]
    guest = GuestPage.opened(pages, path_of(table["link"], house), as_user=None)
    expect(guest.page.get_by_role("banner")).to_contain_text(TABLE)
    pages.allow("status of (401|404)")
    house.post(f"/tables/{table['id']}/revoke")
    expect(guest.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    expect(guest.page.get_by_text(f"You are no longer a guest of {TABLE}")).to_be_visible()
    late = GuestPage.opened(pages, path_of(table["link"], house), as_user=None)
    expect(late.page.get_by_text("This code is no longer good; ask at the bar")).to_be_visible()
    expect(late.menu.first).to_be_visible()


def path_of(link: str, house: House) -> str:
    assert link.startswith(f"{house.url}/t/")
    return link.removeprefix(house.url)
