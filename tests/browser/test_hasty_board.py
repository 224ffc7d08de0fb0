"""The board under hasty fingers, on a bad network, and on a tablet that is not as it should be."""

import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from tests.browser.board_page import BoardPage
from tests.support.browser import FULL_HD, TABLET, Pages
from tests.support.house import ADMIN, House

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


FORBIDDEN = "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } })"
GARBAGE = "localStorage.setItem('batch', 'many'); localStorage.setItem('station', '')"


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


def offered(house: House) -> list[str]:
    """What can be ordered, as the database has it."""
    return [str(name) for (name,) in house.bar.query("SELECT name FROM recipes WHERE available")]
