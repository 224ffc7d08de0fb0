"""The servers of one run and the contenders on them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench import servers
from bench.contenders import CONTENDERS, Contender
from bench.people import GUEST, sign_in
from bench.queues import Queues
from bench.servers import Servers, wait_for
from dev.ports import free_ports
from dev.run import Parts

Make = Callable[[Path, dict[str, str], int, str], Contender]  # folder, settings, port, prefix of its queues


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What a measurement works with. The first contender is ours."""

    servers: Servers
    queues: Queues
    contenders: list[Contender]

    def token(self, who: dict[str, str] = GUEST) -> str:
        """A fresh access token, of a guest if nobody else is named, good for 15 minutes with every contender.

        Raises:
            ServerError: our API does not let them in.
        """
        return sign_in(self.contenders[0].url, who)


@contextmanager
def running(made: Sequence[Make] = CONTENDERS) -> Iterator[Stack]:
    """Start servers and contenders, all of them if none are chosen, and end them afterwards.

    Raises:
        ServerError: a part did not start.
    """
    with servers.running() as started:
        contenders = make_contenders(started, made)
        topologies = [contender.topology for contender in contenders]
        with Queues.of(started.amqp_url, topologies) as queues, Parts() as measured:
            start_contenders(measured, contenders)
            yield Stack(servers=started, queues=queues, contenders=contenders)


def make_contenders(servers: Servers, chosen: Sequence[Make]) -> list[Contender]:
    """Those who are measured, not started yet. Queues carry a prefix that no other run has."""
    run = f"bench-{uuid4().hex[:8]}"
    ports = free_ports(len(chosen))
    made = enumerate(zip(chosen, ports, strict=True))
    return [make(servers.folder, servers.settings, port, f"{run}-{number}") for number, (make, port) in made]


def start_contenders(parts: Parts, contenders: list[Contender]) -> None:
    """Start one after the other and wait until each is ready."""
    for contender in contenders:
        began = time.monotonic()
        parts.launch(contender.server)
        wait_for(contender.server, began)
