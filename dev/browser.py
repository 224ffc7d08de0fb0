"""The browser of the tests of pages, and what Playwright needs to drive it, from Debian."""

from pathlib import Path

from dev.debian import ensure_library, ensure_program


def ensure_browser() -> Path:
    """The path of chromium.

    Raises:
        ServerError: something is missing, and installing is not permitted or failed.
    """
    ensure_library("atomic", "libatomic1")  # of the Node.js that Playwright brings along
    return ensure_program("chromium")
