"""The till's command line: `python -m examples.pos --help`."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from . import following, listening
from .bar import Bar, KeyRefused, NoAnswer
from .news import News
from .patience import Patience, insist
from .reconciling import reconcile
from .sending import catch_up, send
from .store import Check, CheckState, Store

SHOWN_CHECKS = 20


class MissingSetting(Exception):
    """The environment lacks a setting that has no default."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; exit code 1 if somebody has to do something about it, 2 if it could not be begun."""
    asked = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Store], int] = asked.command
    with Store(_store_path()) as store, suppress(KeyboardInterrupt):
        try:
            return command(asked, store)
        except KeyRefused as error:
            print(f"The bar refuses this till's key: {error}", file=sys.stderr)
            return 1
        except MissingSetting as error:
            print(error, file=sys.stderr)
            return 2
    return 0


def sell(asked: argparse.Namespace, store: Store) -> int:
    """Write a check down, then send it. It is safe before the bar hears of it."""
    line = {"recipe": asked.recipe, "quantity": asked.quantity}
    order = {"items": [{**line, "note": asked.note} if asked.note else line]}
    with _bar() as bar:
        check = store.write_down({**order, "ticket": asked.ticket} if asked.ticket else order)
        try:
            send(bar, store, check, Patience(asked.patience))
        except NoAnswer as error:
            print(f"{check.external_id} is written down and not sent yet: {error}. `sync` sends it.")
            return 0
    return _show(store, [store.check(check.number)])


def sync(asked: argparse.Namespace, store: Store) -> int:
    """After an outage: see what became of the open checks, and send those that were not sent."""
    patience = Patience(asked.patience)
    try:
        with _bar() as bar:
            insist(lambda: reconcile(bar, store), patience)
            for settled in catch_up(bar, store, patience):
                print(f"Sent {len(settled)} checks.")
    except NoAnswer as error:
        print(f"{len(store.unsent())} checks are not sent yet: {error}.")
        return 1
    return status(asked, store)


def listen(asked: argparse.Namespace, _store: Store) -> int:
    """Receive webhooks until Ctrl-C."""
    listening.listen(asked.host, asked.port, _needed("WEBHOOK_SECRET"), lambda: Store(_store_path()), _report)
    return 0


def follow(_: argparse.Namespace, store: Store) -> int:
    """Read the bar's events until Ctrl-C: for a till that nobody can reach from outside."""
    with _bar() as bar:
        following.follow(bar, store, _report)
    return 0


def status(_: argparse.Namespace, store: Store) -> int:
    """Show the last checks."""
    return _show(store, store.last_checks(SHOWN_CHECKS))


def _show(store: Store, checks: Iterable[Check]) -> int:
    """A line for each; 1 if the bar refused one of them."""
    refused = 0
    for check in checks:
        refused |= check.state is CheckState.REFUSED
        print(f"{check.external_id:12} {check.ticket or '':8} {store.status_of(check):12} {_what(store, check)}")
    return int(refused)


def _what(store: Store, check: Check) -> str:
    """What the cashier wants to know of a check besides its status."""
    if check.problem:
        return check.problem
    statuses = store.drinks_of(check)
    return ", ".join(f"{name} {statuses.get(number, '')}".rstrip() for number, name in enumerate(check.drinks, start=1))


def _report(store: Store, fresh: Iterable[News]) -> None:
    """Say what is new, each once. Here a till would print a slip, or light a lamp."""
    for news in fresh:
        check = store.check_of_order(news.order_id)
        whose = f"{check.external_id} {check.ticket or ''}".rstrip() if check else f"order {news.order_id}"
        drink = check.drinks[news.number - 1] if check and check.drinks and news.number else f"drink {news.number}"
        reason = f" ({news.reason})" if news.reason else ""
        print(f"{whose}: {drink if news.number else 'the order'} is {news.status}{reason}", flush=True)


def _bar() -> Bar:
    return Bar(os.environ.get("BAR_URL", "http://127.0.0.1:8080"), _needed("BAR_KEY"))


def _needed(name: str) -> str:
    if value := os.environ.get(name):
        return value
    raise MissingSetting(f"{name} is not set: see the settings in examples/pos/README.md.")


def _store_path() -> Path:
    return Path(os.environ.get("TILL_STORE", "till.sqlite"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pos", description="A till that orders from ShakerQueue.")
    commands = parser.add_subparsers(required=True)

    one = commands.add_parser("sell", help="write a check down and send it")
    one.add_argument("recipe")
    one.add_argument("--quantity", type=int, default=1)
    one.add_argument("--ticket")
    one.add_argument("--note")
    one.add_argument("--patience", type=float, default=5.0, help="seconds to go on trying")
    one.set_defaults(command=sell)

    one = commands.add_parser("sync", help="after an outage: compare, and send what was not sent")
    one.add_argument("--patience", type=float, default=60.0, help="seconds to go on trying")
    one.set_defaults(command=sync)

    one = commands.add_parser("listen", help="receive webhooks until Ctrl-C")
    one.add_argument("--host", default="127.0.0.1")
    one.add_argument("--port", type=int, default=9000)
    one.set_defaults(command=listen)

    commands.add_parser("follow", help="read the bar's events until Ctrl-C").set_defaults(command=follow)
    commands.add_parser("status", help="show the last checks").set_defaults(command=status)
    return parser


if __name__ == "__main__":
    sys.exit(main())
