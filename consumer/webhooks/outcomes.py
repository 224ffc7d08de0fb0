"""What came of one attempt to deliver a webhook, in words that may be stored and shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Self

DAY_SECONDS = 86_400.0
EXCERPT_CHARACTERS = 500
MAX_UTF8_BYTES = 4  # of one character


class SendError(StrEnum):
    """Why there is no answer. The codes are stable: they are stored, and integrators read them."""

    TIMEOUT = "timeout"
    TARGET_REFUSED = "target_refused"  # we do not connect there
    UNRESOLVABLE = "unresolvable"  # the name has no address
    CONNECTION_FAILED = "connection_failed"
    TLS_FAILED = "tls_failed"
    PROTOCOL_ERROR = "protocol_error"  # what came is not HTTP, or not all of it came


class AttemptFailed(Exception):
    """There is no answer. `detail` is shown to whoever owns the endpoint: it holds no secret and no address of ours."""

    def __init__(self, error: SendError, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer, with its `status`, or none, with an `error`: always one of the two.

    `retry_after_seconds` is what the receiver asked for, a day at most; `excerpt` is how its answer begins.
    """

    status: int | None = None
    error: SendError | None = None
    detail: str
    duration_seconds: float
    retry_after_seconds: float | None = None
    excerpt: str = ""

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it. A redirect is a no, and so is an answer that broke off."""
        return self.status is not None and HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @classmethod
    def answered(cls, status: int, *, retry_after: str | None, body: bytes, duration_seconds: float) -> Self:
        """An answer; `retry_after` is that header, `body` as much of the body as was read."""
        redirected = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        return cls(
            status=status,
            detail=f"answered {status}" + ("; redirects are not followed" if redirected else ""),
            duration_seconds=duration_seconds,
            retry_after_seconds=None if retry_after is None else parse_retry_after(retry_after, datetime.now(UTC)),
            excerpt=excerpt_of(body),
        )

    @classmethod
    def failed(cls, failure: AttemptFailed, *, duration_seconds: float) -> Self:
        """No answer."""
        return cls(error=failure.error, detail=failure.detail, duration_seconds=duration_seconds)


def parse_retry_after(value: str, now: datetime) -> float | None:
    """How many seconds from `now` a Retry-After asks for (RFC 9110, 10.2.3), 0 to a day; None if it says nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), DAY_SECONDS)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:  # what -0000 means to email; HTTP's dates are always UTC
        at = at.replace(tzinfo=UTC)
    return min(max(0.0, (at - now).total_seconds()), DAY_SECONDS)


def excerpt_of(body: bytes) -> str:
    """The first characters of a body as one printable line, whatever the bytes are."""
    text = body[: EXCERPT_CHARACTERS * MAX_UTF8_BYTES].decode(errors="replace")[:EXCERPT_CHARACTERS]
    return "".join(character if character.isprintable() else " " for character in text)
