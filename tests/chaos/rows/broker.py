"""Rows in which the broker fails, or the API's connection to it."""

from tests.chaos.row import EFFECT_SECONDS, Row, Scene, Size, too_few_ok
from tests.chaos.witnesses import BY_BROKER, FALLBACK
from tests.support.waiting import eventually

LEAST_OK = 0.99
REQUESTS_MEANWHILE = 50  # of guests, while the broker is away


def await_requests(scene: Scene, count: int = REQUESTS_MEANWHILE) -> None:
    """Wait until so many requests have begun and ended from now on."""
    before = len(scene.attempts)
    eventually(lambda: len(scene.attempts) >= before + count, EFFECT_SECONDS)


class BrokerCrashes(Row):
    """RabbitMQ 3.10 loses a quorum queue that is younger than half a second, so a fault waits for all to be settled."""

    number = "5"
    title = "broker crashes"
    fault = "kill -9 of the Erlang VM, then started again"
    full = Size(10_000, 10, 5)
    small = Size(300, 1)
    growing = (FALLBACK,)

    def inject(self, scene: Scene, number: int) -> None:
        broker = scene.house.servers.rabbitmq
        with scene.span("broker away"):
            broker.kill()
            scene.saw("kills of the broker")
            await_requests(scene)
        broker.start()
        scene.house.await_connected()
        scene.await_growth(BY_BROKER)

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, LEAST_OK)
