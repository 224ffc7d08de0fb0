"""The row in which both servers are away: the only one in which an order may be refused for that."""

from tests.chaos.attempts import Attempt
from tests.chaos.row import Row, Scene, Size
from tests.chaos.rows.broker import await_requests
from tests.chaos.witnesses import BY_BROKER, PERSISTED, UNAVAILABLE

UNAVAILABLE_STATUS = 503
REQUESTS_MEANWHILE = 25


class BothDown(Row):
    """Nobody can keep an order safe, so nobody may be told that it is."""

    number = "18"
    title = "broker and PostgreSQL are both away"
    fault = "rabbitmqctl stop_app and PostgreSQL's fast shutdown, then both started again"
    full = Size(1_000, 3, 3)
    small = Size(200, 1)
    growing = (UNAVAILABLE,)

    def inject(self, scene: Scene, number: int) -> None:
        broker, postgres = scene.house.servers.rabbitmq, scene.house.servers.postgres
        broker.ctl("stop_app")
        postgres.stop()
        with scene.span("both away") as span:
            await_requests(scene, REQUESTS_MEANWHILE)
        scene.saw("requests answered 503 with Retry-After", sum(_told(one) for one in scene.attempts_within(span)))
        postgres.start()
        broker.ctl("start_app")
        scene.house.await_connected()
        scene.await_growth(BY_BROKER, PERSISTED)

    def check(self, scene: Scene) -> list[str]:
        others = [one for one in scene.attempts_within(*scene.spans["both away"]) if not _told(one)]
        return [f"{len(others)} requests were answered otherwise than 503 with Retry-After"] if others else []


def _told(attempt: Attempt) -> bool:
    return attempt.status == UNAVAILABLE_STATUS and attempt.retry_after is not None
