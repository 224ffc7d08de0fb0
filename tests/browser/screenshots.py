"""`make screenshots`: takes the documentation's pictures of the pages, in a house that is played for it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from playwright.sync_api import Browser, Error, ViewportSize

from dev import state
from dev.browser import ensure_browser
from dev.postgres import PrivatePostgres
from dev.rabbitmq import PrivateRabbitMQ
from dev.rabbitmq_install import ensure_installed
from dev.run import interrupt_on_signals
from dev.servers import ServerError
from seed.evenings import DAYS_TO_THE_LAST_NIGHT
from tests.browser.scenes import after_a_year, busy_moment, round_at_a_table
from tests.support.bars import Bars, create_template
from tests.support.browser import FULL_HD, PHONE, TABLET, Pages, chromium
from tests.support.house import ADMIN, BARTENDER, GUEST, House

FOLDER = state.CLONE / "docs" / "images"
MAX_BYTES = 300_000  # everybody who clones has them for ever


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. `shows` is a text that is there once the page is complete; the path may name the `last_night`."""

    name: str
    scene: Callable[[House], datetime]
    path: str
    shows: str
    as_user: str | None
    viewport: ViewportSize


# Shots of the same scene stand together: it is played once for them.
SHOTS = (
    Shot("board-phone", busy_moment, "/board", "Ramos Gin Fizz", BARTENDER, PHONE),
    Shot("board-tablet", busy_moment, "/board", "Ramos Gin Fizz", BARTENDER, TABLET),
    Shot("board-1080p", busy_moment, "/board", "Ramos Gin Fizz", BARTENDER, FULL_HD),
    Shot("guest-phone", round_at_a_table, "/", "Terrace 4", GUEST, PHONE),
    Shot("guest-tablet", round_at_a_table, "/", "Terrace 4", GUEST, TABLET),
    Shot("guest-1080p", round_at_a_table, "/", "Terrace 4", GUEST, FULL_HD),
    Shot("manager-phone", after_a_year, "/manager?day={last_night}", "Drinks made", ADMIN, PHONE),
    Shot("manager-tablet", after_a_year, "/manager?day={last_night}", "Drinks made", ADMIN, TABLET),
    Shot("manager-1080p", after_a_year, "/manager?day={last_night}", "Drinks made", ADMIN, FULL_HD),
)


class BadPictureError(RuntimeError):
    """A picture that does not belong into the documentation."""


def main() -> int:
    """Write docs/images/*.png; exit code 1 when one cannot be taken."""
    interrupt_on_signals()
    try:
        with chromium(ensure_browser()) as browser, private_house() as house:
            take_all(browser, house)
    except KeyboardInterrupt:
        return 1
    except (BadPictureError, Error, ServerError, OSError) as error:
        print(f"make screenshots: {error}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def private_house() -> Iterator[House]:
    """A running house on servers of its own; nothing of it stays.

    Raises:
        ServerError: a part did not start.
    """
    ensure_installed()
    with (
        state.temporary(in_memory=True) as folder,
        PrivatePostgres(folder, durable=False) as postgres,
        PrivateRabbitMQ(folder) as rabbitmq,
        Bars(postgres, create_template(postgres), rabbitmq.url) as bars,
        bars.lend(folder) as bar,
        House(bar) as house,
    ):
        yield house


def take_all(browser: Browser, house: House) -> None:
    """Play each scene once and take all its pictures."""
    FOLDER.mkdir(exist_ok=True)
    for scene, shots in groupby(SHOTS, key=attrgetter("scene")):
        house.reset()
        now = scene(house)
        for shot in shots:
            picture = take(shot, Pages(browser, house.url), now)
            print(f"  {picture.relative_to(state.CLONE)}  {picture.stat().st_size / 1000:.0f} kB", flush=True)


def take(shot: Shot, pages: Pages, now: datetime) -> Path:
    """Take one picture; its path.

    Raises:
        BadPictureError: the page complains, or the picture is too large.
        Error: Playwright's; the page never showed what it should.
    """
    picture = FOLDER / f"{shot.name}.png"
    path = shot.path.format(last_night=now.date() - timedelta(days=DAYS_TO_THE_LAST_NIGHT))
    page = pages.open(path, viewport=shot.viewport, as_user=shot.as_user, now=now, reduced_motion="reduce")
    page.get_by_text(shot.shows).filter(visible=True).first.wait_for()
    page.screenshot(path=picture, animations="disabled")
    if complaints := pages.close():
        raise BadPictureError(f"{shot.name}: {'; '.join(complaints)}")
    if picture.stat().st_size > MAX_BYTES:
        raise BadPictureError(f"{picture} is larger than {MAX_BYTES / 1000:.0f} kB")
    return picture


if __name__ == "__main__":
    sys.exit(main())
