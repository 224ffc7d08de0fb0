"""The documentation of the API: found, read and tried, from our own host alone."""

from playwright.sync_api import Locator, Page, expect

from tests.support.browser import Pages

JSON_MENU = '"recipes"'


def opened(docs: Page, tag: str, name: str) -> Locator:
    """An operation with all that is said of it."""
    operation = docs.locator(f"#operations-{tag}-{name}")
    operation.locator(".opblock-summary-control").click()
    return operation


def test_an_operation_is_found_and_says_what_it_takes_and_answers(pages: Pages) -> None:
    place_order = opened(pages.open("/docs"), "orders", "place_order")
    expect(place_order.get_by_text("Answered once it is safely queued")).to_be_visible()
    expect(place_order.get_by_text("Idempotency-Key", exact=True)).to_be_visible()
    expect(place_order.get_by_text("The bar takes no orders right now").first).to_be_visible()


def test_an_operation_is_tried(pages: Pages) -> None:
    get_menu = opened(pages.open("/docs"), "menu", "get_menu")
    get_menu.get_by_role("button", name="Try it out").click()
    get_menu.get_by_role("button", name="Execute").click()
    expect(get_menu.locator(".live-responses-table").get_by_text(JSON_MENU).first).to_be_visible()


def test_a_script_that_stands_in_the_page_does_not_run(pages: Pages) -> None:
    pages.allow("Content Security Policy")
    docs = pages.open("/docs")
    docs.evaluate("addEventListener('securitypolicyviolation', (it) => { refused = it.effectiveDirective })")
    docs.evaluate("document.body.append(Object.assign(document.createElement('script'), { text: 'ran = true' }))")
    docs.wait_for_function("window.refused")
    assert not docs.evaluate("window.ran")
