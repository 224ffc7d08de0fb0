"""Intake: orders accepted per second, by number of connections, for each contender in turn.

No consumer runs on any side. After each round the queue is emptied and what it held is counted, so every round
starts with an empty queue, and a contender that answers 202 without having queued an order is found out.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from operator import attrgetter

import httpx

from bench import wrk
from bench.contenders import Contender
from bench.queues import Drained
from bench.results import Round
from bench.stack import Stack
from dev.servers import ServerError

WARM_UP_SECONDS = 3
PROBE_ORDERS = 400
PROBE_CLIENTS = 8


def verify(stack: Stack) -> None:
    """Place a known number of orders with each contender and find exactly those in its queue, each once.

    Raises:
        ServerError: they are not the same.
    """
    token = stack.token()
    for contender in filter(attrgetter("publishes"), stack.contenders):
        answered = _place(contender.orders_url, token)
        found = stack.queues.drain(contender.topology.orders_queue, contender.ids)
        if sorted(answered) != sorted(found.ids) or len(set(answered)) != PROBE_ORDERS:
            raise ServerError(f"{contender.name}: {PROBE_ORDERS} orders accepted, {len(set(found.ids))} in the queue")
        print(f"  {contender.name}: {PROBE_ORDERS} orders accepted, the same {PROBE_ORDERS} in the queue", flush=True)


def _place(url: str, token: str) -> list[str]:
    """Place the orders of the probe, some at a time; the ids that the answers give.

    Raises:
        ServerError: an answer is not 202.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def place(_: int) -> str:
        answer = client.post(url, content=wrk.ORDER)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise ServerError(f"{url} answered {answer.status_code}: {answer.text}")
        return str(answer.json()["id"])

    with httpx.Client(headers=headers) as client, ThreadPoolExecutor(PROBE_CLIENTS) as threads:
        return list(threads.map(place, range(PROBE_ORDERS)))


def measure(
    stack: Stack, *, rounds: int, seconds: int, connections: list[int], with_keys: bool = False
) -> Iterator[Round]:
    """Measure in turn (A B A B …), so that what changes on the machine meanwhile meets all alike."""
    for contender in stack.contenders:
        wrk.place_orders(contender.orders_url, stack.token(), connections=max(connections), seconds=WARM_UP_SECONDS)
    for number, count, contender in product(range(1, rounds + 1), connections, stack.contenders):
        # What a server still had to answer when wrk had left may have come after the last look.
        stack.queues.drain(contender.topology.orders_queue, contender.ids)
        load = wrk.place_orders(
            contender.orders_url, stack.token(), connections=count, seconds=seconds, with_keys=with_keys
        )
        drained = stack.queues.drain(contender.topology.orders_queue, contender.ids)
        yield _round(contender, count, number, load, drained)


def _round(contender: Contender, connections: int, number: int, load: wrk.Load, drained: Drained) -> Round:
    missed = queue_problems(load.accepted, connections, drained) if contender.publishes else []
    return Round(
        contender=contender.name,
        connections=connections,
        number=number,
        accepted=load.accepted,
        accepted_per_second=load.accepted_per_second,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        orders_in_queue=len(drained.ids),
        messages_in_queue=drained.messages,
        problems=load.problems + missed,
    )


def queue_problems(accepted: int, connections: int, drained: Drained) -> list[str]:
    """What does not fit between answers and queue.

    wrk ends without waiting for the last answer on each connection, so up to that many orders more may be queued.
    """
    found = []
    if len(set(drained.ids)) != len(drained.ids):
        found.append("an order is in the queue twice")
    if not accepted <= len(drained.ids) <= accepted + connections:
        found.append(f"{accepted} orders accepted, but {len(drained.ids)} in the queue")
    return found
