"""`make rush`: starts what `make run` starts, unless it runs already, and lets a Friday night happen to it."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dev import run, state
from dev.rush.callers import NoAnswer
from dev.rush.night import Night
from dev.rush.settings import SettingError, Settings, read
from dev.servers import ServerError

LOOK_SECONDS = 3.0


def main() -> int:
    """Run a night: 0 if all was as it should be."""
    run.interrupt_on_signals()
    try:
        settings = read(os.environ)
        with product(settings) as base_url:
            hours = settings.evening_seconds / 3600
            print(f"A Friday night of {hours:.1f} hours at {base_url}, ×{settings.speed:g}.", flush=True)
            return asyncio.run(Night(settings, base_url).run())
    except KeyboardInterrupt:
        print("Stopped before the night began.", flush=True)
        return 0
    except (SettingError, NoAnswer, run.AddressError, ServerError, state.AlreadyRunningError, OSError) as error:
        print(f"make rush: {error}", file=sys.stderr)
        return 1


@contextmanager
def product(settings: Settings) -> Iterator[str]:
    """Where the product is: at BASE, or where `make run` serves, or started for this night.

    Raises:
        NoAnswer: nothing answers at BASE.
        AddressError, AlreadyRunningError, ServerError: it cannot be started, as `run.running` says.
    """
    base_url = settings.base_url or run.local_url(*run.wanted_address(os.environ))
    if is_running(base_url):
        yield base_url
        return
    if settings.base_url:
        raise NoAnswer(f"no ShakerQueue answers at {base_url}")
    os.environ.setdefault("RATE_LIMITS", "off")  # a whole night in minutes, and all of it from one address
    with run.running(state.folder()) as (_, api):
        yield api.url
        run.ignore_signals()


def is_running(base_url: str) -> bool:
    """Whether a ShakerQueue answers there."""
    try:
        answer = httpx.get(f"{base_url}/readyz", timeout=LOOK_SECONDS, trust_env=False)
        return "parts" in answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
