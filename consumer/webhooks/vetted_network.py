"""How webhooks connect: to addresses that were judged, and to no others.

Between a check of a name and a connect to that name its owner could answer with another address (DNS rebinding). So
the name is resolved here, once a connect; all its addresses are judged, and one of these very addresses is connected
to. TLS still verifies the name: httpcore2 hands it to `start_tls`.
"""

import asyncio
import os
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2

from consumer.webhooks.outcomes import AttemptFailed, SendError
from consumer.webhooks.resolving import Resolver
from shakerqueue.webhook_targets import IPAddress, is_allowed


class VettedNetwork(httpcore2.AsyncNetworkBackend):
    """httpcore2's network, where no connection leads to an address that webhooks must not reach."""

    def __init__(self, resolver: Resolver, *, allow_private: bool) -> None:
        self._resolver = resolver
        self._allow_private = allow_private
        self._tcp = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address of `host` that takes one; each has `timeout` seconds, the resolver too.

        Raises:
            AttemptFailed: there is none.
        """
        failure = AttemptFailed(SendError.UNRESOLVABLE, "the host name has no address")
        for address in await self._vetted_addresses(host, timeout):
            try:
                return _Connection(
                    await self._tcp.connect_tcp(str(address), port, timeout, local_address, socket_options)
                )
            except httpcore2.ConnectTimeout:
                failure = AttemptFailed(SendError.TIMEOUT, f"no connection within {timeout:g} s")
            except httpcore2.ConnectError as error:
                failure = AttemptFailed(SendError.CONNECTION_FAILED, _network_reason(error))
        raise failure

    async def _vetted_addresses(self, host: str, timeout_seconds: float | None) -> Sequence[IPAddress]:
        try:
            async with asyncio.timeout(timeout_seconds):
                addresses = await self._resolver.resolve(host)
        except TimeoutError as error:
            raise AttemptFailed(SendError.UNRESOLVABLE, "no name server answered in time") from error
        # All, and not only the one that is used: a name with one address inside is an attack or a mistake.
        if not all(is_allowed(address, allow_private=self._allow_private) for address in addresses):
            raise AttemptFailed(SendError.TARGET_REFUSED, "the host has an address outside the public Internet")
        return addresses


class _Connection(httpcore2.AsyncNetworkStream):
    """A connection that says when it is TLS that fails, and that no cancellation leaves open."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except httpcore2.ConnectTimeout as error:
            raise AttemptFailed(SendError.TIMEOUT, f"no TLS connection within {timeout:g} s") from error
        except httpcore2.ConnectError as error:
            raise AttemptFailed(SendError.TLS_FAILED, tls_reason(error.__cause__)) from error
        except BaseException:  # httpcore2 closes it after an error, but not when it is cancelled
            await self.aclose()
            raise

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def tls_reason(error: BaseException | None) -> str:
    """What TLS found wrong, such as an expired certificate, without where in OpenSSL that is said."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"no TLS connection: {error.reason.replace('_', ' ').lower()}"
    return "no TLS connection: the receiver hung up"


def _network_reason(error: BaseException) -> str:
    """The system's own words, without the address that they were about."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, OSError) and error.errno is not None:
        return f"no connection: {os.strerror(error.errno).lower()}"
    return "no connection"
