"""`shakerqueue dead-letters`: look at what could not be stored, send it again, or give it up."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from shakerqueue.config import Settings, load_settings
from shakerqueue.database import running_database
from shakerqueue.discarding import Discarded, discard, orders_of
from shakerqueue.errors import Unusable
from shakerqueue.messaging.dead_letters import DeadLetters, LetterFilter, Walk
from shakerqueue.messaging.letters import Letter
from shakerqueue.messaging.topology import Topology


@click.group("dead-letters")
def command() -> None:
    """Orders that were accepted and could not be stored. Each waits for a retry, or for somebody to give it up."""


def filtered(verb: Callable[..., None]) -> Callable[..., None]:
    """The options by which letters are chosen, as one LetterFilter."""

    @wraps(verb)  # the options that it has already, too
    def with_filter(
        id: tuple[str, ...],
        reason: str | None,
        after: datetime | None,
        before: datetime | None,
        **options: Any,
    ) -> None:
        chosen = LetterFilter(
            ids=frozenset(id) or None, reason=reason, failed_after=_utc(after), failed_before=_utc(before)
        )
        verb(chosen, **options)

    for option in (
        click.option("--before", type=click.DateTime(), help="Only what failed before this time (UTC)."),
        click.option("--after", type=click.DateTime(), help="Only what failed at this time (UTC) or later."),
        click.option("--reason", help="Only where this is a part of the reason."),
        click.option("--id", multiple=True, help="Only this letter; may be given several times."),
    ):
        with_filter = option(with_filter)
    return with_filter


@command.command("list")
@filtered
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True)
def list_letters(chosen: LetterFilter, limit: int) -> None:
    """One line a letter, the oldest first."""
    found = _dead_letters(load_settings()).find(chosen, limit).letters
    click.echo("\n".join(_line(letter) for letter in found) or "no dead letters")


@command.command("show")
@click.argument("id")
def show_letter(id: str) -> None:
    """All of one letter."""
    found = _dead_letters(load_settings()).find(LetterFilter(ids=frozenset([id])), limit=1).letters
    if not found:
        raise Unusable(f"there is no dead letter {id}")
    [letter] = found
    click.echo(_line(letter))
    click.echo(f"first failed   {letter.first_failed_at.isoformat()}")
    click.echo(f"last failed    {letter.failed_at.isoformat()}")
    click.echo(_readable(letter.body))


@command.command("retry")
@filtered
@click.option("--all", "everything", is_flag=True, help="Every letter there is.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
@click.option("--per-second", type=click.FloatRange(min=0, min_open=True), help="At most so many a second.")
def retry_letters(chosen: LetterFilter, *, everything: bool, dry_run: bool, per_second: float | None) -> None:
    """Send letters to the consumers again. Each leaves the dead queue only once it is safe in the other one."""
    _refuse_careless(chosen, everything=everything)
    letters = _dead_letters(load_settings())
    walk = letters.find(chosen) if dry_run else letters.retry(chosen, per_second=per_second)
    _report("retried", walk, dry_run=dry_run)


@command.command("discard")
@filtered
@click.option("--all", "everything", is_flag=True, help="Every letter there is.")
@click.option("--dry-run", is_flag=True, help="Only say which.")
def discard_letters(chosen: LetterFilter, *, everything: bool, dry_run: bool) -> None:
    """Give letters up. Their orders are stored as failed, with the reason `discarded`."""
    _refuse_careless(chosen, everything=everything)
    settings = load_settings()
    letters = _dead_letters(settings)
    if dry_run:
        _report("discarded", letters.find(chosen), dry_run=True)
        return
    done = _discard(letters, chosen, settings)
    _report("discarded", done.walk, dry_run=False)
    click.echo(f"orders stored as failed: {len(done.failed_order_ids)}")


def _discard(letters: DeadLetters, chosen: LetterFilter, settings: Settings) -> Discarded:
    with running_database(settings.database_url, "shakerqueue-dead-letters") as database:
        return discard(letters, chosen, database)


def _dead_letters(settings: Settings) -> DeadLetters:
    if settings.amqp_url is None:
        raise Unusable("AMQP_URL=off: without a broker there are no dead letters")
    return DeadLetters(settings.amqp_url, Topology(settings.amqp_prefix))


def _refuse_careless(chosen: LetterFilter, *, everything: bool) -> None:
    if everything == (chosen != LetterFilter()):
        raise click.UsageError("Say which: --id, --reason, --after or --before; or --all.")


def _report(done: str, walk: Walk, *, dry_run: bool) -> None:
    for letter in walk.letters:
        click.echo(_line(letter))
    click.echo(f"{'would be ' if dry_run else ''}{done}: {len(walk.letters)}")


def _line(letter: Letter) -> str:
    orders = ", ".join(str(order.id) for order in orders_of(letter)) or "no order in it"
    when = letter.failed_at.isoformat(timespec="seconds")
    return f"{letter.id}  {when}  attempts {letter.attempts}  {ascii(letter.reason)[1:-1]}  [{orders}]"


def _readable(body: bytes) -> str:
    """JSON indented, anything else escaped: a terminal must not obey what a guest wrote."""
    try:
        return json.dumps(json.loads(body), indent=2)
    except ValueError:
        return repr(body)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
