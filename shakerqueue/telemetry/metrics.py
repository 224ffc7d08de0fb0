"""Every counter of the product: what happened to orders on each path, and each fault that was met.

Where a part is several processes, the folder PROMETHEUS_MULTIPROC_DIR adds them up (`server.py` sees to it); the
counts of a process that was killed stay in it.
"""

from enum import StrEnum

from prometheus_client import Counter


class Writer(StrEnum):
    """Who stored an order."""

    CONSUMER = "consumer"
    API = "api"


class AcceptedBy(StrEnum):
    """What made an order safe before it was answered 2xx."""

    BROKER = "broker"
    DATABASE = "database"
    EARLIER_REQUEST = "earlier_request"


ORDERS_ACCEPTED = Counter("shakerqueue_orders_accepted", "Orders answered 2xx, by what made them safe", ["by"])
ORDERS_UNAVAILABLE = Counter("shakerqueue_orders_unavailable", "Orders that neither broker nor database took: 503")

PUBLISHER_CONNECTIONS = Counter("shakerqueue_publisher_connections", "Connections that publishers opened")
PUBLISH_FAILURES = Counter("shakerqueue_publish_failures", "Orders that the broker did not confirm", ["reason"])
BREAKER_OPENED = Counter("shakerqueue_breaker_opened", "Times that a connected broker was passed by", ["reason"])
MESSAGES_RETURNED = Counter("shakerqueue_messages_returned", "Messages that no queue took")

CONSUMER_CONNECTIONS = Counter("shakerqueue_consumer_connections", "Connections that consumers opened")
MESSAGES_REDELIVERED = Counter("shakerqueue_messages_redelivered", "Messages that consumers got once more")
CONSUMER_PAUSES = Counter("shakerqueue_consumer_pauses", "Times that a consumer waited for the database")
RETRIES = Counter("shakerqueue_retries", "Orders that failed alone and were put off")
DEAD_LETTERS = Counter("shakerqueue_dead_letters", "Orders and messages that went to the dead queue")

RATE_LIMITED = Counter("shakerqueue_rate_limited", "Requests refused as too many, by whose limit it was", ["policy"])
RATE_LIMIT_STORE_LOST = Counter("shakerqueue_rate_limit_store_lost", "Times that processes went on counting alone")

WEBHOOK_ATTEMPTS = Counter("shakerqueue_webhook_attempts", "Messages sent to webhooks, by how that ended", ["outcome"])

ORDERS_PERSISTED = Counter("shakerqueue_orders_persisted", "Orders that were stored", ["writer"])
ORDERS_KNOWN = Counter("shakerqueue_orders_known", "Orders that were to be stored and were already", ["writer"])
DATABASE_FAILURES = Counter("shakerqueue_database_failures", "What the database did not do, by SQLSTATE", ["sqlstate"])
