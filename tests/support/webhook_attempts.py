"""Attempts to deliver a webhook, for tests: with names that have the addresses that a test gives them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

from consumer.webhooks.outcomes import Outcome
from consumer.webhooks.sending import Sender
from shakerqueue.webhook_targets import IPAddress
from tests.support.receiver import Answer, Receiver

NAME = "receiver.test"
PUBLIC = "8.8.8.8"
MULTICAST = "224.0.0.1"
BODY = b'{"type":"order.completed"}'


class Names:
    """A resolver whose names have these addresses: each answer is given once, the last one ever after."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[IPAddress]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [ip_address(address) for address in answer]

    def close(self) -> None:
        pass


@asynccontextmanager
async def a_sender(*, allow_private: bool = True, **options: Any) -> AsyncIterator[Sender]:
    sender = Sender(allow_private=allow_private, **options)
    try:
        yield sender
    finally:
        await sender.aclose()


async def outcome_of(answer: Answer, **options: Any) -> Outcome:
    """What comes of an attempt at a receiver that answers so."""
    async with Receiver(answer) as receiver, a_sender(**options) as sender:
        return await sender.post(receiver.url(), {}, BODY)
