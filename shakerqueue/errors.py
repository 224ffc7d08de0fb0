"""What can go wrong in the domain, without a word of HTTP, SQL or AMQP."""

from collections.abc import Sequence


class ShakerQueueError(Exception):
    """Base of every error that this product raises on purpose."""


class ConfigurationError(ShakerQueueError):
    """A setting is missing or unusable; the text names it and says what would do."""


class Unavailable(ShakerQueueError):
    """A part we depend on did not answer in time. Trying again later is right.

    `part` names it (``"database"``, ``"broker"``) for logs and for the one who is told; `sqlstate` is what PostgreSQL
    said, where it said anything.
    """

    def __init__(self, part: str, reason: str, sqlstate: str | None = None) -> None:
        super().__init__(f"{part} unavailable: {reason}")
        self.part = part
        self.reason = reason
        self.sqlstate = sqlstate


class DataRefused(ShakerQueueError):
    """The database refused the data itself: the same data will be refused again.

    `constraint` is the name of the violated constraint, where there is one.
    """

    def __init__(self, reason: str, constraint: str | None = None) -> None:
        super().__init__(reason)
        self.constraint = constraint


class Taken(DataRefused):
    """A name that must be unique is in use already; `field` says which: ``"username"``, ``"email"``."""

    def __init__(self, field: str, constraint: str) -> None:
        super().__init__(f"this {field} is taken", constraint)
        self.field = field


class Unusable(ShakerQueueError):
    """What an operator gave cannot be used; the text says why."""


class MalformedMessage(ShakerQueueError):
    """A message is no envelope that this version understands."""


class NotFound(ShakerQueueError):
    """There is no such thing, or not for whoever asks."""


class IllegalTransition(ShakerQueueError):
    """What was asked for is not legal in the present status. `allowed` names what is."""

    def __init__(self, verb: str, allowed: Sequence[str]) -> None:
        super().__init__(f"{verb} is not possible now")
        self.verb = verb
        self.allowed = list(allowed)


class SoldOut(ShakerQueueError):
    """A counted drink is needed, and there is none left."""


class TooManyAttempts(ShakerQueueError):
    """Too many attempts of one kind have failed lately. `seconds_left` says when the next one is looked at."""

    def __init__(self, seconds_left: int) -> None:
        super().__init__(f"too many attempts, for {seconds_left} s")
        self.seconds_left = seconds_left
