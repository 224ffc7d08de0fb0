"""The board as its users see it: tickets, what is in hand, and buttons by their names."""

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Pages
from tests.support.house import BARTENDER


class BoardPage:
    """One open board."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tickets = page.locator("#tickets > li")
        self.hand = page.get_by_role("region", name="In your hands")
        self.all_day = page.get_by_role("table").filter(has_text="waiting")
        self.claim = page.get_by_role("button", name="Claim next")
        self.undo = page.locator("#undo")
        self.stale = page.get_by_role("alert").filter(has_text="No connection")

    @classmethod
    def opened(cls, pages: Pages, as_user: str = BARTENDER) -> "BoardPage":
        """A board that shows what there is."""
        board = cls(pages.open("/board", as_user=as_user))
        expect(board.page.get_by_text("Live", exact=True)).to_be_visible()
        return board

    def ticket(self, label: str) -> Locator:
        return self.tickets.filter(has=self.page.get_by_role("heading", name=label, exact=True))

    def line(self, label: str, drink: str) -> Locator:
        """The line of a ticket that has this text in it."""
        return self.ticket(label).locator(".lines > li").filter(has_text=drink)

    def tap(self, name: str) -> None:
        """The button of this name; where several begin with it, it is none."""
        self.page.get_by_role("button", name=name).click()

    def dialog(self, name: str) -> Locator:
        return self.page.get_by_role("dialog", name=name)

    def claim_at_most(self, count: int) -> None:
        self.page.get_by_label("At once").select_option(str(count))
        self.claim.click()
