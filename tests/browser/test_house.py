"""What the tests of pages rely on: they hear what goes wrong, and no test finds traces of another."""

import pytest
from playwright.sync_api import Browser, expect

from tests.support.browser import BROKEN_CONNECTION, Pages
from tests.support.house import BARTENDER, House


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("console.error('spilled')", "console error: spilled"),
        ("new Promise((done) => { setTimeout(() => { done(); spill() }) })", "uncaught: ReferenceError: spill"),
        ("fetch('/nothing')", "console error: Failed to load resource: the server responded with a status of 404"),
        ("fetch('http://evil.example').catch(() => 0)", "violates the following Content Security Policy directive"),
    ],
)
def test_what_goes_wrong_in_a_page_is_heard(browser: Browser, house: House, script: str, complaint: str) -> None:
    pages = Pages(browser, house.url)
    pages.open("/board").evaluate(script)
    heard = pages.close()
    assert any(complaint in it for it in heard), heard


def test_a_request_to_another_host_is_heard(browser: Browser, house: House) -> None:
    pages = Pages(browser, house.url)
    elsewhere = house.url.replace("127.0.0.1", "localhost") + "/livez"
    pages.open("/board").goto(elsewhere)
    assert [f"request to another host: {elsewhere}"] == pages.close()


def test_a_complaint_that_is_expected_is_none(pages: Pages) -> None:
    pages.allow("spilled")
    pages.open("/board").evaluate("console.error('spilled')")


def test_a_page_is_signed_in_as_whom_it_is_opened_for(pages: Pages) -> None:
    page = pages.open("/board", as_user=BARTENDER)
    assert "bartender" == page.evaluate("fetch('/session').then((it) => it.json()).then((it) => it.user.username)")


def test_every_test_finds_the_house_as_on_the_first_evening(house: House) -> None:
    gin = {"name": "Gin", "amount": 30, "unit": "ml"}
    house.post("/recipes", {"name": "House Negroni", "build": "stirred", "ingredients": [gin]})
    order = house.place("Margarita", {"recipe": "Negroni", "quantity": 2}, "House Negroni", ticket="T1")
    house.post(f"/orders/{order}/items/1/complete", as_user=house.hire("noor"))
    house.take_off_the_menu("Negroni")
    house.request("PATCH", "/bar", {"accepting": False, "reason": "The ice is out."})

    house.reset()

    assert [] == house.request("GET", "/queue")["items"]
    assert [] == house.request("GET", "/orders")["orders"]
    offered = {recipe["name"] for recipe in house.request("GET", "/menu")["recipes"]}
    assert {"Negroni"} == offered & {"Negroni", "House Negroni"}
    assert house.request("GET", "/bar")["accepting"]
    house.hire("noor")
    house.place("Negroni")


def test_a_page_finds_the_api_again_after_it_was_killed(house: House, pages: Pages) -> None:
    pages.allow(BROKEN_CONNECTION)
    page = pages.open("/board", as_user=BARTENDER)
    with house.api_killed():
        assert "lost" == page.evaluate("fetch('/session').then(() => 'found', () => 'lost')")
    page.reload()
    expect(page.get_by_role("heading", name="To make")).to_be_visible()
    house.place("Margarita")
