"""What waits, as only the servers know it, read when somebody asks for metrics.

It is read on short connections of its own, in a thread for each server, and kept for a few seconds: whoever asks waits
a second at most, and two who ask cost no more than one. What a server does not tell is left out.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from threading import Lock, Thread
from time import monotonic

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shakerqueue.config import Settings
from shakerqueue.database import DeadlineConnection, connection_arguments
from shakerqueue.deadlines import Deadline
from shakerqueue.messaging.queue_counts import QueueCounts, read_queue_counts
from shakerqueue.messaging.topology import Topology
from shakerqueue.queries import backlog

ASK_SECONDS = 1.0
KEPT_SECONDS = 5.0
STATEMENTS_SECONDS = 1.0
MAX_COUNTED_DELIVERIES = 100_000

log = structlog.get_logger(__name__)


class Backlog(Collector):
    """The state of database and broker as metrics; for one process of the API, because each would say the same."""

    def __init__(self, settings: Settings) -> None:
        self._readings = [Reading("database", partial(read_database, settings.database_url))]
        if settings.amqp_url is not None:
            topology = Topology(settings.amqp_prefix)
            self._readings.append(Reading("broker", partial(read_broker, settings.amqp_url, topology)))

    def describe(self) -> Iterator[Metric]:
        """The families, empty: nobody is asked for it."""
        yield _part_up()
        yield from (*_drinks(None), *_webhooks(None, None, None), *_queues([]))

    def collect(self) -> Iterator[Metric]:
        asked = [(reading.part, reading.ask()) for reading in self._readings]
        deadline = Deadline.after(ASK_SECONDS)
        up = _part_up()
        for part, answer in asked:
            metrics = _answer(part, answer, deadline)
            up.add_metric([part], int(metrics is not None))
            yield from metrics or ()
        yield up


class Reading:
    """What one server tells, asked for at most every few seconds, and by one thread at a time."""

    def __init__(self, part: str, read: Callable[[], Iterable[Metric]]) -> None:
        self.part = part
        self._read = read
        self._lock = Lock()
        self._answer: Future[list[Metric]] | None = None
        self._answered_at = 0.0

    def ask(self) -> Future[list[Metric]]:
        """The last answer while it is fresh, or the one that is on its way, or else a new one."""
        with self._lock:
            answer = self._answer
            if answer is None or (answer.done() and monotonic() - self._answered_at > KEPT_SECONDS):
                answer = self._answer = Future()
                Thread(target=self._run, args=(answer,), name=f"backlog-{self.part}", daemon=True).start()
            return answer

    def _run(self, answer: Future[list[Metric]]) -> None:
        try:
            metrics = list(self._read())
        except Exception as error:  # noqa: BLE001 - whatever it was, it is told to whoever asked
            self._answered_at = monotonic()
            answer.set_exception(error)
        else:
            self._answered_at = monotonic()
            answer.set_result(metrics)


def _answer(part: str, answer: Future[list[Metric]], deadline: Deadline) -> list[Metric] | None:
    """None where the server does not answer, or not soon enough."""
    try:
        return answer.result(deadline.remaining_seconds())
    except Exception as error:  # noqa: BLE001 - metrics of the other parts are wanted all the more now
        log.warning("backlog_unknown", part=part, reason=repr(error))
        return None


def read_database(url: str) -> Iterator[Metric]:
    """Open drinks and webhooks. Raises psycopg.Error while the database does not answer."""
    with DeadlineConnection.connect(url, **connection_arguments("shakerqueue-metrics")) as conn:
        conn.deadline = Deadline.after(STATEMENTS_SECONDS)
        yield from _drinks(backlog.get_open_drinks_backlog(conn))
        yield from _webhooks(
            backlog.count_endpoints_by_state(conn),
            backlog.get_deliveries_backlog(conn, at_most=MAX_COUNTED_DELIVERIES),
            backlog.get_oldest_untold_event(conn),
        )


def read_broker(amqp_url: str, topology: Topology) -> Iterator[Metric]:
    """The queues. Raises Unavailable while the broker does not answer."""
    return _queues(read_queue_counts(amqp_url, topology))


def _part_up() -> GaugeMetricFamily:
    return GaugeMetricFamily("shakerqueue_part_up", "1 while this server tells its state, else 0", labels=["part"])


def _drinks(found: backlog.GetOpenDrinksBacklogRow | None) -> Iterator[Metric]:
    drinks = GaugeMetricFamily("shakerqueue_drinks_open", "Drinks that are to be made", labels=["status"])
    late = GaugeMetricFamily("shakerqueue_drinks_late", "Open drinks that should have been made by now")
    age = GaugeMetricFamily("shakerqueue_oldest_open_drink_age_seconds", "Since the oldest open drink was ordered")
    if found:
        drinks.add_metric(["pending"], found.pending)
        drinks.add_metric(["in_progress"], found.in_progress)
        late.add_metric([], found.late)
        age.add_metric([], _age_seconds(found.oldest_placed_at))
    return iter((drinks, late, age))


def _webhooks(
    endpoints: backlog.CountEndpointsByStateRow | None,
    deliveries: backlog.GetDeliveriesBacklogRow | None,
    untold_event_at: datetime | None,
) -> Iterator[Metric]:
    states = GaugeMetricFamily("shakerqueue_webhook_endpoints", "Endpoints of webhooks", labels=["state"])
    waiting = GaugeMetricFamily("shakerqueue_webhook_deliveries_waiting", "Messages to be sent, or sent again")
    oldest = GaugeMetricFamily(
        "shakerqueue_oldest_webhook_delivery_age_seconds", "Since the oldest message that waits was made"
    )
    untold = GaugeMetricFamily(
        "shakerqueue_oldest_untold_event_age_seconds", "Since the oldest event of which no message was made yet"
    )
    if endpoints and deliveries:
        states.add_metric(["enabled"], endpoints.enabled)
        states.add_metric(["disabled"], endpoints.disabled)
        states.add_metric(["gone"], endpoints.gone)
        waiting.add_metric([], deliveries.waiting)
        oldest.add_metric([], _age_seconds(deliveries.oldest_created_at))
        untold.add_metric([], _age_seconds(untold_event_at))
    return iter((states, waiting, oldest, untold))


def _queues(found: Iterable[QueueCounts]) -> Iterator[Metric]:
    messages = GaugeMetricFamily("shakerqueue_queue_messages", "Messages that are ready in a queue", labels=["queue"])
    consumers = GaugeMetricFamily("shakerqueue_queue_consumers", "Consumers of a queue", labels=["queue"])
    for queue in found:
        messages.add_metric([queue.name], queue.ready)
        consumers.add_metric([queue.name], queue.consumers)
    return iter((messages, consumers))


def _age_seconds(since: datetime | None) -> float:
    """0 where there is nothing that could be old."""
    return max(0.0, (datetime.now(UTC) - since).total_seconds()) if since else 0.0
