"""The row in which nobody knows whether a transaction was committed."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.house import House
from tests.chaos.proxy import Proxy, Way
from tests.chaos.row import Row, Scene, Size
from tests.chaos.waiting import await_fact
from tests.chaos.wire import POSTGRES_COMMIT
from tests.chaos.witnesses import BY_BROKER, FALLBACK, KNOWN, PAUSES, PERSISTED


class CommitUnknown(Row):
    """COMMIT is sent and never answered. It took place if the answer was lost, and did not if COMMIT itself was.

    In turn for the consumer and for the API, which stores orders itself while its broker is away.
    """

    number = "13"
    title = "outcome of COMMIT unknown, for both writers"
    fault = "TCP proxy swallows in turn what PostgreSQL says after COMMIT, and COMMIT itself"
    full = Size(5_000, 30, 5)
    small = Size(200, 2)
    proxied = True

    def inject(self, scene: Scene, number: int) -> None:
        lost = Way.TO_SERVER if number % 4 in (1, 2) else Way.TO_CLIENT
        if number % 2:
            self._for_the_api(scene, lost)
        else:
            self._for_the_consumer(scene, lost)

    def _for_the_consumer(self, scene: Scene, lost: Way) -> None:
        pauses, known = PAUSES.read(scene.house), KNOWN.read(scene.house)
        _swallow(scene, scene.house.proxies.consumer_database, lost, "consumer")
        committed = lost is Way.TO_CLIENT
        scene.await_totals({PAUSES: pauses + 1, KNOWN: known + int(committed)})
        scene.await_growth(PERSISTED)

    def _for_the_api(self, scene: Scene, lost: Way) -> None:
        with _broker_away_for_the_api(scene.house):
            _swallow(scene, scene.house.proxies.api_database, lost, "API")
            scene.await_growth(FALLBACK)
        scene.house.await_connected()
        scene.await_growth(BY_BROKER)


def _swallow(scene: Scene, proxy: Proxy, lost: Way, writer: str) -> None:
    sprung, dropped = proxy.passed.traps_sprung, proxy.dropped_bytes[lost]
    proxy.set_trap(POSTGRES_COMMIT, drop=lost)
    await_fact("a COMMIT comes by", lambda: proxy.passed.traps_sprung > sprung)
    await_fact("bytes are swallowed", lambda: proxy.dropped_bytes[lost] > dropped)
    what = "COMMITs" if lost is Way.TO_SERVER else "answers to COMMIT"
    scene.saw(f"{what} of the {writer} swallowed")


@contextmanager
def _broker_away_for_the_api(house: House) -> Iterator[None]:
    house.proxies.api_broker.shut()
    try:
        yield
    finally:
        house.proxies.api_broker.heal()
