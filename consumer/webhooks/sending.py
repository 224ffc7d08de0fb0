"""One attempt to deliver a webhook over HTTP: it ends in time, reads little, and is turned away by no redirect."""

import asyncio
import ssl
from collections.abc import Mapping
from time import monotonic
from urllib.parse import urlsplit

import httpcore2
import structlog

from consumer.webhooks.outcomes import AttemptFailed, Outcome, SendError
from consumer.webhooks.resolving import Resolver, SystemResolver
from consumer.webhooks.vetted_network import VettedNetwork, tls_reason
from shakerqueue import __version__
from shakerqueue.webhook_targets import TargetRefused, check_url

ATTEMPT_SECONDS = 15.0
CONNECT_SECONDS = 5.0  # for the name, for each address, and for TLS
IDLE_SECONDS = 60.0  # so that a name's new addresses are noticed
MAX_IDLE_CONNECTIONS = 64  # to all targets together
MAX_ANSWER_BYTES = 64 * 1024
USER_AGENT = f"ShakerQueue/{__version__}"

log = structlog.get_logger(__name__)


class Sender:
    """Posts webhooks, any number at once, over connections that are kept for the next ones.

    The number of connections has no bound here: a slow receiver would hold up the others. Whoever posts bounds it.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        attempt_seconds: float = ATTEMPT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        """Needs no running loop yet.

        Args:
            allow_private: for development: http, loopback and private networks may be called as well.
            resolver: by default the system's.
            ssl_context: whose certificates are trusted; by default those of the system and of certifi.
            attempt_seconds: how long an attempt may take in all.
            idle_seconds: after how long an unused connection is not used again.
        """
        self._allow_private = allow_private
        self._attempt_seconds = attempt_seconds
        self._resolver = resolver or SystemResolver()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context or httpcore2.default_ssl_context(),
            max_connections=None,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=idle_seconds,
            network_backend=VettedNetwork(self._resolver, allow_private=allow_private),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Post `body` to `url`, once. Whatever happens is an outcome; only a cancellation is raised."""
        began_at = monotonic()
        try:
            async with asyncio.timeout(self._attempt_seconds):
                status, retry_after, answer = await self._exchange(url, headers, body)
        except Exception as error:
            failure = self._explain(error)
            if failure is None:
                log.exception("webhook_attempt_failed")
                failure = AttemptFailed(SendError.PROTOCOL_ERROR, "the attempt failed for a reason of our own")
            return Outcome.failed(failure, duration_seconds=monotonic() - began_at)
        duration_seconds = monotonic() - began_at
        return Outcome.answered(status, retry_after=retry_after, body=answer, duration_seconds=duration_seconds)

    async def aclose(self) -> None:
        """Close what is open. Attempts that are still under way should have been cancelled before."""
        await self._pool.aclose()
        self._resolver.close()

    async def _exchange(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None, bytes]:
        """The answer's status, its Retry-After and the beginning of its body."""
        check_url(url, allow_private=self._allow_private)
        async with self._pool.stream(
            "POST",
            _request_url(url),
            headers=_request_headers(url, headers),
            content=body,
            extensions={"timeout": {"connect": CONNECT_SECONDS}},
        ) as response:
            answer = await _read_beginning(response)
        return response.status, _header(response, b"retry-after"), answer

    def _explain(self, error: Exception) -> AttemptFailed | None:
        """The failure as it is told; None if nobody foresaw it."""
        match error:
            case AttemptFailed():
                return error
            case TargetRefused():
                return AttemptFailed(SendError.TARGET_REFUSED, str(error))
            case TimeoutError() | httpcore2.TimeoutException():
                return AttemptFailed(SendError.TIMEOUT, f"no complete answer within {self._attempt_seconds:g} s")
            case httpcore2.RemoteProtocolError():
                return AttemptFailed(SendError.PROTOCOL_ERROR, "the answer is not HTTP/1.1, or it broke off")
            case httpcore2.LocalProtocolError():  # its text would quote the header
                return AttemptFailed(SendError.PROTOCOL_ERROR, "the request cannot be said in HTTP/1.1")
            case ssl.SSLError():
                return AttemptFailed(SendError.TLS_FAILED, tls_reason(error))
            case OSError() | httpcore2.NetworkError():
                return AttemptFailed(SendError.CONNECTION_FAILED, "the connection broke")
        return None


def _request_url(url: str) -> httpcore2.URL:
    """Taken apart here, because httpcore2 would drop what follows a semicolon."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore2.URL(scheme=parts.scheme, host=parts.hostname or "", port=parts.port, target=target)


def _request_headers(url: str, headers: Mapping[str, str]) -> list[tuple[str | bytes, str | bytes]]:
    given = {name.lower(): value for name, value in headers.items()}
    return list({**given, "host": urlsplit(url).netloc, "user-agent": USER_AGENT}.items())


async def _read_beginning(response: httpcore2.Response) -> bytes:
    """The body, or its first 64 KiB; a connection with more to come is dropped when its response is closed."""
    beginning = bytearray()
    async for chunk in response.aiter_stream():
        beginning += chunk
        if len(beginning) >= MAX_ANSWER_BYTES:
            break
    return bytes(beginning[:MAX_ANSWER_BYTES])


def _header(response: httpcore2.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in response.headers if name.lower() == wanted), None)
