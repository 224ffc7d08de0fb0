"""Every metric of the product: what happened to orders on each path, how long it took, and each fault that was met.

Where a part is several processes, the folder PROMETHEUS_MULTIPROC_DIR adds them up (`shared_files.py` sees to it); the
counts of a process that was killed stay in it. docs/operations/metrics.md lists what is here, and a test compares.
"""

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram, mmap_dict
from prometheus_client.metrics import MetricWrapperBase

FILE_BYTES = 1 << 20
# A file that grows loses the space that was reserved for it, so it begins large enough for every route.
mmap_dict._INITIAL_MMAP_SIZE = FILE_BYTES  # noqa: SLF001 - there is no public way; a test sees that it works

# Around what is promised: an answer within 2.8 s, a confirm within 1.5 s, a wait for a lock of 1 s at most.
REQUEST_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.8, 5.0)
SERVER_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 3.0)
DELAY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)
WEBHOOK_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
MAKING_BUCKETS = (15, 30, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800, 3600)
BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500)


class Part(StrEnum):
    """What runs as processes of its own, and is asked for its metrics by itself."""

    API = "api"
    CONSUMER = "consumer"
    WEBHOOKS = "webhooks"


class Writer(StrEnum):
    """Who stored an order."""

    CONSUMER = "consumer"
    API = "api"


class AcceptedBy(StrEnum):
    """What made an order safe before it was answered 2xx."""

    BROKER = "broker"
    DATABASE = "database"
    EARLIER_REQUEST = "earlier_request"


class Appended(StrEnum):
    """What the log of events was locked for."""

    ORDERS = "orders"  # that are stored
    DRINKS = "drinks"  # on which somebody acted


REQUEST_DURATION = Histogram(
    "shakerqueue_http_request_duration_seconds",
    "From the request to the beginning of its answer",
    ["route", "method", "status"],
    buckets=REQUEST_BUCKETS,
)
ORDERS_ACCEPTED = Counter("shakerqueue_orders_accepted", "Orders answered 2xx, by what made them safe", ["by"])
ORDERS_UNAVAILABLE = Counter("shakerqueue_orders_unavailable", "Orders that neither broker nor database took: 503")
API_WORKERS = Gauge("shakerqueue_api_workers", "Processes that serve requests", multiprocess_mode="livesum")

PUBLISHER_CONNECTIONS = Counter("shakerqueue_publisher_connections", "Connections that publishers opened")
PUBLISH_FAILURES = Counter("shakerqueue_publish_failures", "Orders that the broker did not confirm", ["reason"])
BREAKER_OPENED = Counter("shakerqueue_breaker_opened", "Times that a connected broker was passed by", ["reason"])
MESSAGES_RETURNED = Counter("shakerqueue_messages_returned", "Messages that no queue took")
CONFIRM_DURATION = Histogram(
    "shakerqueue_confirm_duration_seconds", "From publishing a message to its confirm", buckets=SERVER_BUCKETS
)
MESSAGE_ORDERS = Histogram("shakerqueue_message_orders", "Orders that shared a message", buckets=BATCH_BUCKETS)
PUBLISHER_WAITING = Gauge(
    "shakerqueue_publisher_waiting_requests", "Requests whose orders wait to be published", multiprocess_mode="livesum"
)
BREAKERS_OPEN = Gauge(
    "shakerqueue_breakers_open", "Workers of the API that pass the broker by now", multiprocess_mode="livesum"
)

STREAMS_OPEN = Gauge("shakerqueue_streams_open", "Streams of events that go on", multiprocess_mode="livesum")
STREAMS_ALLOWED = Gauge("shakerqueue_streams_allowed", "Streams that may go on at once", multiprocess_mode="livesum")
STREAMS_REFUSED = Counter("shakerqueue_streams_refused", "Streams for which there was no place")

DRINK_WAIT = Histogram(
    "shakerqueue_drink_wait_seconds", "From the order to the start of a drink", buckets=MAKING_BUCKETS
)
DRINK_MAKE = Histogram(
    "shakerqueue_drink_make_seconds", "From the start of a drink to its completion", buckets=MAKING_BUCKETS
)
DRINK_TOTAL = Histogram(
    "shakerqueue_drink_total_seconds", "From the order to the completion of a drink", buckets=MAKING_BUCKETS
)

CONSUMER_CONNECTED = Gauge(
    "shakerqueue_consumer_connected", "Consumers that take orders now", multiprocess_mode="livesum"
)
CONSUMER_CONNECTIONS = Counter("shakerqueue_consumer_connections", "Connections that consumers opened")
CONSUMER_BATCH_MESSAGES = Histogram(
    "shakerqueue_consumer_batch_messages", "Messages that were handled together", buckets=BATCH_BUCKETS
)
MESSAGES_REDELIVERED = Counter("shakerqueue_messages_redelivered", "Messages that consumers got once more")
CONSUMER_PAUSES = Counter("shakerqueue_consumer_pauses", "Times that a consumer waited for the database")
RETRIES = Counter("shakerqueue_retries", "Orders that failed alone and were put off")
DEAD_LETTERS = Counter("shakerqueue_dead_letters", "Orders and messages that went to the dead queue")

RATE_LIMITED = Counter("shakerqueue_rate_limited", "Requests refused as too many, by whose limit it was", ["policy"])
RATE_LIMIT_STORE_LOST = Counter("shakerqueue_rate_limit_store_lost", "Times that processes went on counting alone")

WEBHOOK_ATTEMPTS = Counter("shakerqueue_webhook_attempts", "Messages sent to webhooks, by how that ended", ["outcome"])
WEBHOOK_DURATION = Histogram(
    "shakerqueue_webhook_attempt_duration_seconds", "How long an attempt took", buckets=WEBHOOK_BUCKETS
)
WEBHOOKS_IN_FLIGHT = Gauge(
    "shakerqueue_webhooks_in_flight", "Messages that are being sent to webhooks", multiprocess_mode="livesum"
)
WEBHOOK_ENDPOINTS_HELD = Gauge(
    "shakerqueue_webhook_endpoints_held", "Endpoints that this dispatcher sends to", multiprocess_mode="livesum"
)

ORDERS_PERSISTED = Counter("shakerqueue_orders_persisted", "Orders that were stored", ["writer"])
ORDERS_KNOWN = Counter("shakerqueue_orders_known", "Orders that were to be stored and were already", ["writer"])
TRANSACTION_ORDERS = Histogram(
    "shakerqueue_transaction_orders", "Orders that were stored together", ["writer"], buckets=BATCH_BUCKETS
)
TRANSACTION_DURATION = Histogram(
    "shakerqueue_transaction_duration_seconds",
    "From the begin of a transaction of orders to its end",
    ["writer"],
    buckets=SERVER_BUCKETS,
)
COMMIT_DURATION = Histogram(
    "shakerqueue_commit_duration_seconds", "The COMMIT of orders alone", ["writer"], buckets=SERVER_BUCKETS
)
STORE_DELAY = Histogram(
    "shakerqueue_store_delay_seconds",
    "From placing the oldest order of a transaction to its commit",
    ["writer"],
    buckets=DELAY_BUCKETS,
)
EVENT_LOG_LOCK_WAIT = Histogram(
    "shakerqueue_event_log_lock_wait_seconds",
    "The wait for the lock on the log of events",
    ["of"],
    buckets=SERVER_BUCKETS,
)
DATABASE_FAILURES = Counter("shakerqueue_database_failures", "What the database did not do, by SQLSTATE", ["sqlstate"])
POOL_CONNECTIONS = Gauge(
    "shakerqueue_pool_connections", "Database connections of the pools", ["state"], multiprocess_mode="livesum"
)
POOL_ALLOWED = Gauge(
    "shakerqueue_pool_connections_allowed", "Database connections that the pools may open", multiprocess_mode="livesum"
)
POOL_WAITING = Gauge(
    "shakerqueue_pool_waiting", "Requests that wait for a database connection", multiprocess_mode="livesum"
)

_OF_THE_DATABASE = (DATABASE_FAILURES, POOL_CONNECTIONS, POOL_ALLOWED, POOL_WAITING)
_OF_STORING = (
    ORDERS_PERSISTED,
    ORDERS_KNOWN,
    TRANSACTION_ORDERS,
    TRANSACTION_DURATION,
    COMMIT_DURATION,
    STORE_DELAY,
    EVENT_LOG_LOCK_WAIT,
)

METRICS: dict[Part, tuple[MetricWrapperBase, ...]] = {
    Part.API: (
        REQUEST_DURATION,
        ORDERS_ACCEPTED,
        ORDERS_UNAVAILABLE,
        API_WORKERS,
        PUBLISHER_CONNECTIONS,
        PUBLISH_FAILURES,
        BREAKER_OPENED,
        MESSAGES_RETURNED,
        CONFIRM_DURATION,
        MESSAGE_ORDERS,
        PUBLISHER_WAITING,
        BREAKERS_OPEN,
        STREAMS_OPEN,
        STREAMS_ALLOWED,
        STREAMS_REFUSED,
        RATE_LIMITED,
        RATE_LIMIT_STORE_LOST,
        DRINK_WAIT,
        DRINK_MAKE,
        DRINK_TOTAL,
        *_OF_STORING,
        *_OF_THE_DATABASE,
    ),
    Part.CONSUMER: (
        CONSUMER_CONNECTED,
        CONSUMER_CONNECTIONS,
        CONSUMER_BATCH_MESSAGES,
        MESSAGES_REDELIVERED,
        CONSUMER_PAUSES,
        RETRIES,
        DEAD_LETTERS,
        *_OF_STORING,
        *_OF_THE_DATABASE,
    ),
    Part.WEBHOOKS: (
        WEBHOOK_ATTEMPTS,
        WEBHOOK_DURATION,
        WEBHOOKS_IN_FLIGHT,
        WEBHOOK_ENDPOINTS_HELD,
        *_OF_THE_DATABASE,
    ),
}
