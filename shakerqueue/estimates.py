"""When an order will be ready, honestly guessed."""

from datetime import datetime, timedelta


def ready_at(now: datetime, work_seconds: float, bartenders: int) -> datetime:
    """When the last open drink of an order should be done.

    `work_seconds` is all preparation up to and with that drink, in the order in which drinks are made. It is shared
    evenly by the bartenders who have a drink in hand; if nobody has, by the one who will come.
    """
    return now + timedelta(seconds=work_seconds / max(bartenders, 1))
