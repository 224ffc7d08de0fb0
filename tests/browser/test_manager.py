"""The manager's page, as managers use it."""

import re
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect

from shakerqueue.messaging.messages import encode_order, pack
from tests.support.accessibility import assert_accessible
from tests.support.browser import FULL_HD, PHONE, Pages
from tests.support.house import ADMIN, BARTENDER, GUEST, House
from tests.support.letters import dead_letter, put_dead
from tests.support.orders import drink, order, principal_id
from tests.support.waiting import eventually


def opened(pages: Pages, as_user: str = ADMIN) -> Page:
    page = pages.open("/manager", as_user=as_user)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def figure(page: Page, name: str) -> Locator:
    return page.locator("#figures > div").filter(has=page.get_by_text(name, exact=True)).locator("dd")


def test_the_evening_is_told_in_figures_and_bars(house: House, pages: Pages) -> None:
    made = house.place({"recipe": "Negroni", "quantity": 2}, "Margarita", ticket="T1")
    house.post(f"/orders/{made}/start")
    house.post(f"/orders/{made}/complete")
    house.post(f"/orders/{made}/items/1/serve")
    failed = house.place("Mojito", ticket="T2")
    house.post(f"/orders/{failed}/fail", {"reason": "out of mint"})
    late = house.place("Margarita", ticket="T3")
    house.bar.change(f"UPDATE order_items SET due_at = now() - interval '1 minute' WHERE order_id = '{late}'")

    page = opened(pages)
    expect(figure(page, "Orders")).to_have_text("3")
    expect(figure(page, "Drinks made")).to_have_text("3")
    expect(figure(page, "Served")).to_have_text("1")
    expect(figure(page, "Fetched, half")).to_have_text(re.compile(r"^0:0\d$"))
    expect(figure(page, "Open now")).to_have_text("1")
    expect(figure(page, "Late now")).to_have_text("1")
    expect(figure(page, "Consumers")).to_have_text("1")
    expect(page.get_by_role("region", name="Late now")).to_contain_text("Margarita, T3")
    expect(page.get_by_role("region", name="Not made")).to_contain_text("Not made: out of mint 1 ×")
    expect(page.get_by_role("region", name="Who made what")).to_contain_text("bartender")

    most = page.locator("figure").filter(has_text="Most ordered")
    expect(most.get_by_role("img")).to_be_visible()
    most.get_by_text("As a table").click()
    expect(most.get_by_role("row", name="Negroni")).to_contain_text("2")
    for chart in ("to wait, by hour", "to wait, by drink", "to make, by hour", "to make, by drink"):
        expect(page.locator("figure").filter(has_text=chart).get_by_role("img")).to_be_visible()
    hours = page.locator("figure").filter(has_text="Drinks by hour")
    hours.get_by_text("As a table").click()
    expect(hours.get_by_role("row", name=f"{datetime.now(UTC).hour}:00")).to_contain_text("5")


def test_a_page_that_is_open_all_night_goes_on_with_the_next_business_day(house: House, pages: Pages) -> None:
    page = opened(pages)
    day = page.get_by_label("Business day")
    expect(day).not_to_have_value("")
    with page.expect_request(re.compile("/reports/service")) as later:
        house.place("Negroni")
    assert "from=" not in later.value.url
    with page.expect_request(re.compile(r"/reports/service\?from=2026-01-02&to=2026-01-02")):
        day.fill("2026-01-02")
        day.blur()
    expect(day).to_have_value("2026-01-02")


def test_the_report_can_be_fetched_as_a_file(house: House, pages: Pages) -> None:
    house.place("Negroni")
    page = opened(pages)
    expect(figure(page, "Orders")).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    assert download.value.suggested_filename.endswith(".csv")
    assert "Negroni" in download.value.path().read_text()


def test_a_drink_is_changed_added_86ed_and_taken_off_the_books(house: House, pages: Pages) -> None:
    page = opened(pages)
    menu = page.get_by_role("region", name="Menu").last
    page.get_by_label("Find").fill("negroni")
    menu.get_by_role("button", name="86: Negroni", exact=True).click()
    expect(menu.get_by_role("button", name="Back on: Negroni")).to_be_visible()
    menu.get_by_role("button", name="Change: Negroni", exact=True).click()
    dialog = page.get_by_role("dialog", name="Negroni")
    dialog.get_by_label("Left to sell").fill("7")
    dialog.get_by_label("Ingredients").fill("30 ml gin\nsome Campari")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("“some Campari” is no ingredient")
    dialog.get_by_label("Ingredients").fill("30 ml gin\n22.5 ml Campari")
    dialog.get_by_role("button", name="Save").click()
    expect(menu.get_by_role("row", name="Negroni")).to_contain_text("7")

    page.get_by_role("button", name="New drink").click()
    dialog = page.get_by_role("dialog", name="A new drink")
    dialog.get_by_label("Name", exact=True).fill("House Negroni")
    dialog.get_by_label("Ingredients").fill("30 ml gin")
    dialog.get_by_label("Allergens").fill("egg, nuts")
    dialog.get_by_role("button", name="Save").click()
    expect(menu.get_by_role("row", name="House Negroni")).to_be_visible()
    assert [(["egg", "nuts"], [{"name": "gin", "unit": "ml", "amount": 30}])] == house.bar.query(
        "SELECT allergens, ingredients FROM recipes WHERE name = 'House Negroni'"
    )
    menu.get_by_role("button", name="Change: House Negroni").click()
    page.get_by_role("dialog", name="House Negroni").get_by_role("button", name="Take it off the books").click()
    expect(menu.get_by_role("row", name="House Negroni")).to_have_count(0)


def test_a_table_gets_a_code_and_loses_it(house: House, pages: Pages) -> None:
    page = opened(pages)
    tables = page.get_by_role("region", name="Tables")
    tables.get_by_label("New tables").fill("7, Terrace 1")
    tables.get_by_role("button", name="Add").click()
    terrace = tables.get_by_role("listitem").filter(has_text="Terrace 1")
    code = terrace.get_by_role("img", name="Code of Terrace 1")
    expect(code).to_be_visible()
    assert code.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    link = terrace.locator(".link").inner_text()
    with page.expect_response(re.compile(r"/qr\.svg")):  # an old code must not be printed
        terrace.get_by_role("button", name="New code: Terrace 1").click()
    expect(terrace.locator(".link")).not_to_have_text(link)
    terrace.get_by_role("button", name="Remove: Terrace 1").click()
    expect(terrace).to_have_count(0)
    expect(tables.get_by_role("listitem").filter(has_text="7")).to_be_visible()


def test_a_person_is_made_one_of_the_staff(house: House, pages: Pages) -> None:
    page = opened(pages)
    page.get_by_label("Role of user").select_option("employee")
    expect(page.get_by_text("Saved: user.")).to_be_visible()
    assert [("employee",)] == house.bar.query("SELECT role::text FROM users WHERE username = 'user'")
    page.get_by_label("Role of user").select_option("customer")
    eventually(lambda: [("customer",)] == house.bar.query("SELECT role::text FROM users WHERE username = 'user'"))


def test_a_dead_letter_is_looked_at_and_tried_again(house: House, pages: Pages) -> None:
    with psycopg.connect(house.bar.database_url) as conn:
        good, hopeless = [order(principal_id(conn), drink(conn)) for _ in range(2)]
    put_dead(house.bar, *(dead_letter(pack([encode_order(one)]), f"reason {one.id}") for one in (good, hopeless)))
    page = opened(pages)
    letters = page.get_by_role("region", name="Dead letters")
    expect(letters.get_by_role("listitem")).to_have_count(2)
    letters.get_by_role("listitem").filter(has_text=str(good.id)).get_by_role("button", name="Try again").click()
    expect(page.get_by_text("1 sent again.")).to_be_visible()
    eventually(lambda: "pending" == status_of(house, good.id))
    letters.get_by_role("listitem").filter(has_text=str(hopeless.id)).get_by_role("button", name="Give it up").click()
    expect(letters.get_by_text("Every order that was accepted is stored.")).to_be_visible()
    assert "failed" == status_of(house, hopeless.id)


def status_of(house: House, order_id: UUID) -> object:
    """None until it is stored."""
    found = house.bar.query(f"SELECT status::text FROM orders WHERE id = '{order_id}'")
    return found[0][0] if found else None


def test_an_employee_sees_the_figures_and_not_the_people(house: House, pages: Pages) -> None:
    page = opened(pages, as_user=BARTENDER)
    expect(figure(page, "Orders")).to_have_text("0")
    expect(page.get_by_role("region", name="People")).not_to_be_visible()
    expect(page.get_by_role("link", name="Dead letters")).not_to_be_visible()


def test_a_guest_is_told_that_the_page_is_not_for_them(house: House, pages: Pages) -> None:
    page = pages.open("/manager", as_user=GUEST)
    expect(page.get_by_text("This account is a guest's")).to_be_visible()
    expect(page.locator("#figures > div")).to_have_count(0)


@pytest.mark.parametrize("viewport", [PHONE, FULL_HD], ids=["phone", "full-hd"])
def test_the_managers_page_is_accessible(house: House, pages: Pages, viewport: dict[str, int]) -> None:
    made = house.place({"recipe": "Negroni", "quantity": 2}, "Margarita", ticket="T1")
    house.post(f"/orders/{made}/complete")
    house.post("/tables", {"labels": ["Terrace 4"]})
    page = opened(pages)
    page.set_viewport_size({"width": viewport["width"], "height": viewport["height"]})
    expect(figure(page, "Orders")).to_have_text("1")
    expect(page.get_by_role("img", name=re.compile("Code of"))).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="New drink").click()
    assert_accessible(page)
