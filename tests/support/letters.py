"""Dead letters for tests: put where the consumer would put them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shakerqueue.messaging.letters import Letter, publish_dead
from tests.support.bar import Bar


def dead_letter(body: bytes, reason: str = "a bug", **history: Any) -> Letter:
    """A letter that failed four times within six minutes, unless something else is said."""
    failed_at = history.pop("failed_at", datetime.now(UTC).replace(microsecond=0))
    history = {"attempts": 4, "first_failed_at": failed_at - timedelta(minutes=6), **history}
    return Letter(body=body, reason=reason, failed_at=failed_at, **history)


def put_dead(bar: Bar, *letters: Letter) -> None:
    connection, channel = bar.open_channel()
    with connection:
        channel.confirm_delivery()
        for letter in letters:
            publish_dead(channel, bar.topology, letter)
