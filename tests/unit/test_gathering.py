"""How long the consumer collects a batch: not for as long as messages come."""

import pytest

from consumer import worker
from consumer.deliveries import Delivery

EACH_SECONDS = 0.002  # between two messages: less than an idle moment


class Connection:
    """A broker that delivers a message every two milliseconds, without end, on a clock of its own."""

    def __init__(self, received: list[Delivery]) -> None:
        self.now = 0.0
        self._received = received

    def process_data_events(self, _: float) -> None:
        self.now += EACH_SECONDS
        self._received.append(Delivery(len(self._received) + 1, b"{}", delivery_count=0))


def test_a_batch_ends_although_messages_come_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    session = object.__new__(worker._Session)  # without a broker
    session._batch_size, session._received = 500, []
    connection = Connection(session._received)
    monkeypatch.setattr(session, "_connection", connection, raising=False)
    monkeypatch.setattr("shakerqueue.deadlines.monotonic", lambda: connection.now)

    batch = session._gather()

    assert worker.GATHER_SECONDS == pytest.approx(EACH_SECONDS * (len(batch) - 1), abs=EACH_SECONDS)
