"""The guests' page as its users see it."""

from datetime import datetime

from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.support.browser import PHONE, Pages
from tests.support.house import GUEST


class GuestPage:
    """One open page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.menu = page.locator("#menu > li")
        self.orders = page.get_by_role("region", name="Your drinks")
        self.history = page.get_by_role("region", name="Before")
        self.ready = page.get_by_role("alert", name="Ready")
        self.round = page.get_by_role("dialog", name="Your round")

    @classmethod
    def opened(
        cls,
        pages: Pages,
        path: str = "/",
        as_user: str | None = GUEST,
        viewport: ViewportSize = PHONE,
        now: datetime | None = None,
    ) -> "GuestPage":
        """A page that shows the menu; with `now` its phone's clock stands still there."""
        guest = cls(pages.open(path, as_user=as_user, viewport=viewport, now=now))
        expect(guest.menu.first).to_be_visible()
        return guest

    def drink(self, name: str) -> Locator:
        """The drink of the menu."""
        return self.menu.filter(has=self.page.get_by_role("heading", name=name, exact=True))

    def add(self, *drinks: str) -> None:
        for drink in drinks:
            self.page.get_by_role("button", name=f"Add: {drink}", exact=True).click()

    def open_round(self) -> Locator:
        self.page.get_by_role("button", name="Your round").click()
        return self.round

    def order(self, *drinks: str) -> None:
        """Order the drinks as one round, and see it among one's own."""
        self.add(*drinks)
        self.open_round().get_by_role("button", name="Order", exact=True).click()
        expect(self.round).not_to_be_visible()
        expect(self.line(drinks[0])).to_be_visible()

    def line(self, drink: str) -> Locator:
        """The line of a current order that has this text in it."""
        return self.orders.locator(".drinks > li").filter(has_text=drink)
