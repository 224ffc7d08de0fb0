"""From a host to its addresses, without holding up anybody else's."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from typing import Protocol

from consumer.webhooks.outcomes import AttemptFailed, SendError
from shakerqueue.webhook_targets import IPAddress

# A name server that does not answer holds a thread for 10 s and more. The loop's own threads, six on two cores, would
# soon all wait for such names.
RESOLVER_THREADS = 64


class Resolver(Protocol):
    """Who knows the addresses of a host."""

    async def resolve(self, host: str) -> Sequence[IPAddress]:
        """All addresses of a name, best first, or the one that a literal stands for.

        Raises:
            AttemptFailed: `unresolvable`.
        """

    def close(self) -> None:
        """Take no more questions, and wait for no answer."""


class SystemResolver:
    """What this machine's resolver says (getaddrinfo), asked in threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "webhook-resolver")

    async def resolve(self, host: str) -> Sequence[IPAddress]:
        """See Resolver."""
        ask = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except (OSError, UnicodeError) as error:  # UnicodeError: no name that DNS could carry
            raise AttemptFailed(SendError.UNRESOLVABLE, "the host name has no address") from error
        return list(dict.fromkeys(ip_address(sockaddr[0]) for *_, sockaddr in found))

    def close(self) -> None:
        """See Resolver."""
        self._threads.shutdown(wait=False, cancel_futures=True)
