"""A real browser, Debian's chromium, and pages that are opened in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    WebError,
    expect,
    sync_playwright,
)

from tests.support.bar import DEMO_PASSWORD

PHONE = ViewportSize(width=390, height=844)
TABLET = ViewportSize(width=1024, height=768)
FULL_HD = ViewportSize(width=1920, height=1080)

DEADLINE_MILLISECONDS = 10_000
# Playwright itself keeps it from calling home. Root may not use the sandbox, and there is only our own code to contain.
FLAGS = ["--no-sandbox", "--disable-gpu"]
BROKEN_CONNECTION = "net::ERR_"  # what is complained of while the API is away, each time in another word
COMPLAINTS = frozenset({"error", "warning"})
INLINE = frozenset({"about", "blob", "data"})


@contextmanager
def chromium(program: Path) -> Iterator[Browser]:
    """The running browser. Whatever is waited for in it comes within ten seconds or not at all."""
    expect.set_options(timeout=DEADLINE_MILLISECONDS)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=program, args=FLAGS) as browser,
    ):
        yield browser


class Pages:
    """Opens pages of one host, each in a profile of its own, and hears what goes wrong in them."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.origin = origin
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._complaints: list[str] = []
        self._allowed: list[str] = []

    def open(
        self,
        path: str,
        *,
        viewport: ViewportSize = FULL_HD,
        as_user: str | None = None,
        now: datetime | None = None,
        **context_options: Any,
    ) -> Page:
        """A loaded page, in a profile that this user is signed in to, or nobody.

        With `now` the page's clock stands still. `context_options` are those of Playwright's `Browser.new_context`.
        """
        context = self._browser.new_context(
            base_url=self.origin, viewport=viewport, locale="en-US", timezone_id="UTC", **context_options
        )
        context.set_default_timeout(DEADLINE_MILLISECONDS)
        self._contexts.append(context)
        self._listen(context)
        if now:
            context.clock.set_fixed_time(now)
        if as_user:
            sign_in(context, as_user)
        page = context.new_page()
        page.goto(path)
        return page

    def allow(self, pattern: str) -> None:
        """Expect complaints in which this regular expression is found; BROKEN_CONNECTION if the API will be killed."""
        self._allowed.append(pattern)

    def close(self) -> list[str]:
        """Close all that was opened; what was complained of and not allowed."""
        for context in self._contexts:
            for page in context.pages:
                page.evaluate("null")  # whatever the page said until now is heard before its answer
            context.close()
        return [it for it in self._complaints if not any(re.search(pattern, it) for pattern in self._allowed)]

    def _listen(self, context: BrowserContext) -> None:
        context.on("console", self._hear_console)
        context.on("weberror", self._hear_exception)
        context.on("request", self._hear_request)

    def _hear_console(self, message: ConsoleMessage) -> None:
        """What a page's policy refuses is told here, too."""
        if message.type in COMPLAINTS:
            self._complaints.append(f"console {message.type}: {message.text} {message.location['url']}".rstrip())

    def _hear_exception(self, error: WebError) -> None:
        self._complaints.append(f"uncaught: {error.error.stack or error.error}")

    def _hear_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme not in INLINE and f"{url.scheme}://{url.netloc}" != self.origin:
            self._complaints.append(f"request to another host: {request.url}")


def sign_in(context: BrowserContext, email: str) -> None:
    """Let the profile have the cookies of a user's session, as the pages' own form does.

    Raises:
        AssertionError: the sign-in was refused.
    """
    answer = context.request.post(
        "/session", data={"email": email, "password": DEMO_PASSWORD}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.ok, answer.text()
