"""Whether everyone can use a page: axe-core's rules of the Web Content Accessibility Guidelines."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
GRAVE = frozenset({"serious", "critical"})


def assert_accessible(page: Page) -> None:
    """The page as it is now breaks no rule of WCAG 2.2 A and AA gravely.

    Raises:
        AssertionError: it does; names each rule with the elements that break it.
    """
    # A colour on its way from one to another is neither.
    page.evaluate("document.getAnimations().filter((it) => it instanceof CSSTransition).forEach((it) => it.finish())")
    found = Axe().run(page, options={"runOnly": WCAG_22_AA, "resultTypes": ["violations"]})
    grave = [violation for violation in found.response["violations"] if violation["impact"] in GRAVE]
    assert not grave, "\n".join(_described(violation) for violation in grave)


def _described(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    lines += [f"  {node['target']}: {node['failureSummary']}" for node in violation["nodes"]]
    return "\n".join(lines)
