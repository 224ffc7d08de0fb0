"""A browser for each worker, and for each module a house that every test finds as on the first evening."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from dev.browser import ensure_browser
from dev.servers import ServerError
from tests.support.bar import Bar
from tests.support.browser import Pages, chromium
from tests.support.house import House


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Where none can be had its tests are skipped, though never where a change is judged by them."""
    try:
        program = ensure_browser()
    except ServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    with chromium(program) as browser:
        yield browser


@pytest.fixture(scope="module")
def house_settings() -> dict[str, str]:
    """What a module's house has in its environment besides the usual; for modules to override."""
    return {}


@pytest.fixture(scope="module")
def shared_house(browser: Browser, shared_bar: Bar, house_settings: dict[str, str]) -> Iterator[House]:
    """Started once for a module, and not at all without a browser."""
    shared_bar.extra_environment |= house_settings
    with House(shared_bar) as house:
        yield house


@pytest.fixture
def house(shared_house: House) -> House:
    """The module's house without a trace of the tests before."""
    shared_house.reset()
    return shared_house


@pytest.fixture
def pages(browser: Browser, house: House) -> Iterator[Pages]:
    """Opens the house's pages. What they complain of and the test has not allowed fails it."""
    pages = Pages(browser, house.url)
    yield pages
    assert [] == pages.close()
