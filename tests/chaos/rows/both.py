"""The row in which both servers are away: the only one in which an order may be refused for that."""

from tests.chaos.attempts import Outcome
from tests.chaos.row import Row, Scene, Size
from tests.chaos.rows.broker import await_requests
from tests.chaos.witnesses import BY_BROKER, PERSISTED, UNAVAILABLE

UNAVAILABLE_STATUS = 503


class BothDown(Row):
    """Nobody can keep an order safe, so nobody may be told that it is."""

    number = "18"
    title = "broker and PostgreSQL are both away"
    fault = "kill -9 of the Erlang VM and PostgreSQL's fast shutdown, then both started again"
    full = Size(1_000, 3, 3)
    small = Size(200, 1)
    growing = (UNAVAILABLE,)

    def inject(self, scene: Scene, number: int) -> None:
        broker, postgres = scene.house.servers.rabbitmq, scene.house.servers.postgres
        postgres.stop()
        broker.kill()
        with scene.span("both away"):
            await_requests(scene)
        broker.launch()
        postgres.start()
        broker.wait_ready()
        scene.house.await_connected()
        scene.await_growth(BY_BROKER, PERSISTED)

    def check(self, scene: Scene) -> list[str]:
        meanwhile = scene.attempts_within("both away")
        told = [attempt for attempt in meanwhile if attempt.status == UNAVAILABLE_STATUS and attempt.retry_after]
        scene.saw("requests answered 503 with Retry-After", len(told))
        accepted = sum(attempt.outcome is Outcome.OK for attempt in meanwhile)
        problems = [f"{accepted} orders were accepted while nobody could keep them"] if accepted else []
        if others := len(meanwhile) - len(told) - accepted:
            problems.append(f"{others} requests were answered otherwise than 503 with Retry-After")
        return problems if told else [*problems, "no request met both away"]
