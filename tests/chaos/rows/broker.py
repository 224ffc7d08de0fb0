"""Rows in which the broker fails, or the API's connection to it."""

import time

from dev.servers import Server
from tests.chaos.proxy import Way
from tests.chaos.row import Row, Scene, Size, p99_seconds, too_few_ok
from tests.chaos.servers import freeze, frozen, resume
from tests.chaos.waiting import await_fact
from tests.chaos.wire import AMQP_PUBLISH
from tests.chaos.witnesses import BREAKER, BY_BROKER, FALLBACK, NOT_CONFIRMED

LEAST_OK = 0.99
WORKERS_HEARD = 150  # requests after which each worker that gets any has opened its breaker
REQUESTS_MEANWHILE = 50  # of guests, while the broker is away
MOST_SECONDS = 3.0
MOST_SECONDS_WITH_BREAKER_OPEN = 0.25


def await_requests(scene: Scene, count: int = REQUESTS_MEANWHILE) -> None:
    """Wait until so many requests have begun and ended from now on."""
    before = len(scene.attempts)
    await_fact(f"{count} requests are made", lambda: len(scene.attempts) >= before + count)


class BrokerRow(Row):
    """The broker is away for a while: the API stores orders itself."""

    small = Size(300, 1)
    growing = (FALLBACK,)

    def inject(self, scene: Scene, number: int) -> None:
        self.take_away(scene)
        await_requests(scene)
        self.bring_back(scene)
        scene.house.await_connected()
        scene.await_growth(BY_BROKER)

    def take_away(self, scene: Scene) -> None:
        """Break it, and note what was seen of it."""
        raise NotImplementedError

    def bring_back(self, scene: Scene) -> None:
        """Mend it."""
        raise NotImplementedError

    def check(self, scene: Scene) -> list[str]:
        return too_few_ok(scene.attempts, LEAST_OK)


class BrokerCrashes(BrokerRow):
    """RabbitMQ 3.10 loses a quorum queue that is younger than half a second, so a fault waits for all to be settled."""

    number = "5"
    title = "broker crashes"
    fault = "kill -9 of the Erlang VM, then started again"
    full = Size(10_000, 10, 5)

    def take_away(self, scene: Scene) -> None:
        scene.house.servers.rabbitmq.kill()
        scene.saw("kills of the broker")

    def bring_back(self, scene: Scene) -> None:
        scene.house.servers.rabbitmq.start()


class BrokerStops(BrokerRow):
    """In order: it tells everybody that it goes."""

    number = "6"
    title = "broker is stopped"
    fault = "rabbitmqctl stop_app, then start_app"
    full = Size(5_000, 5, 5)

    def take_away(self, scene: Scene) -> None:
        broker = scene.house.servers.rabbitmq
        broker.ctl("stop_app")
        if not broker.answers():
            scene.saw("stops of the broker")

    def bring_back(self, scene: Scene) -> None:
        scene.house.servers.rabbitmq.ctl("start_app")


class BrokerHangs(Row):
    """It keeps its connections and says nothing: only time tells, and the breaker keeps each request from waiting."""

    number = "7"
    title = "broker hangs"
    fault = "STOP to the Erlang VM for 20 s"
    full = Size(5_000, 3, 3)
    small = Size(300, 1)
    growing = (FALLBACK, BREAKER)
    full_hang_seconds, small_hang_seconds = 20.0, 6.0

    def inject(self, scene: Scene, number: int) -> None:
        broker = scene.house.servers.rabbitmq
        hang_seconds = self.small_hang_seconds if self.is_small else self.full_hang_seconds
        began_at = time.monotonic()
        try:
            freeze(broker)
            scene.await_growth(BREAKER)
            await_requests(scene, WORKERS_HEARD)
            with scene.span("breakers open"):
                await_fact("the hang is over", lambda: time.monotonic() > began_at + hang_seconds)
                scene.saw("hangs of the broker", int(_stands_still(broker)))
        finally:
            resume(broker)
        scene.house.await_connected()
        scene.await_growth(BY_BROKER)

    def check(self, scene: Scene) -> list[str]:
        problems = too_few_ok(scene.attempts, LEAST_OK)
        quick = p99_seconds(scene.attempts_within(*scene.spans["breakers open"]))
        if (slow := p99_seconds(scene.attempts)) > MOST_SECONDS:
            problems.append(f"p99 was {slow:.2f} s, above {MOST_SECONDS} s")
        if quick > MOST_SECONDS_WITH_BREAKER_OPEN:
            problems.append(f"p99 was {quick:.3f} s with the breakers open")
        return problems

    def figures(self, scene: Scene) -> dict[str, str]:
        quick = p99_seconds(scene.attempts_within(*scene.spans["breakers open"]))
        return {"p99 with the breakers open": f"{quick * 1000:.0f} ms"}


def _stands_still(server: Server) -> bool:
    return frozen(server) > 0


class ConfirmLost(Row):
    """The order is in the queue and the API does not know: it stores it as well, and the queue's copy comes later."""

    number = "11"
    title = "confirm lost"
    fault = "TCP proxy swallows what the broker says from a publish on, and resets once the API has given up"
    full = Size(5_000, 30, 5)
    small = Size(200, 2)
    proxied = True
    growing = (FALLBACK, NOT_CONFIRMED)

    def inject(self, scene: Scene, number: int) -> None:
        proxy = scene.house.proxies.api_broker
        sprung, dropped = proxy.passed.traps_sprung, proxy.dropped_bytes[Way.TO_CLIENT]
        stored = FALLBACK.read(scene.house)
        proxy.set_trap(AMQP_PUBLISH, drop=Way.TO_CLIENT)
        await_fact("a publish comes by", lambda: proxy.passed.traps_sprung > sprung)
        scene.await_totals({FALLBACK: stored + 1})
        if proxy.dropped_bytes[Way.TO_CLIENT] > dropped:
            scene.saw("confirms swallowed")
        proxy.reset()
        scene.house.await_connected()
        scene.await_growth(BY_BROKER)
