"""The product's counters that rows name as their witnesses."""

from shakerqueue.telemetry import metrics
from tests.chaos.row import Growing, Part

BY_BROKER = Growing("orders accepted by the broker", metrics.ORDERS_ACCEPTED, Part.API, {"by": "broker"})
FALLBACK = Growing("orders accepted by the database", metrics.ORDERS_ACCEPTED, Part.API, {"by": "database"})
REPLAYED = Growing("repeats that met their order", metrics.ORDERS_ACCEPTED, Part.API, {"by": "earlier_request"})
WRITTEN_BY_API = Growing("orders stored by the API", metrics.ORDERS_PERSISTED, Part.API, {"writer": "api"})
KNOWN_TO_API = Growing("orders that the API found stored", metrics.ORDERS_KNOWN, Part.API, {"writer": "api"})
UNAVAILABLE = Growing("orders that nobody could take", metrics.ORDERS_UNAVAILABLE, Part.API)
NOT_CONFIRMED = Growing("orders that the broker did not confirm", metrics.PUBLISH_FAILURES, Part.API)
BREAKER = Growing("times that a breaker opened", metrics.BREAKER_OPENED, Part.API)

BLOCKED = Growing("times that a breaker opened in an alarm", metrics.BREAKER_OPENED, Part.API, {"reason": "blocked"})
NACKED = Growing("orders that the queue had no room for", metrics.PUBLISH_FAILURES, Part.API, {"reason": "refused"})
RETURNED = Growing("messages returned", metrics.MESSAGES_RETURNED, Part.API)

PERSISTED = Growing("orders stored by the consumer", metrics.ORDERS_PERSISTED, Part.CONSUMER, {"writer": "consumer"})
KNOWN = Growing("orders that the consumer found stored", metrics.ORDERS_KNOWN, Part.CONSUMER, {"writer": "consumer"})
REDELIVERED = Growing("messages delivered again", metrics.MESSAGES_REDELIVERED, Part.CONSUMER)
DEAD = Growing("dead letters", metrics.DEAD_LETTERS, Part.CONSUMER)
PAUSES = Growing("waits of the consumer for the database", metrics.CONSUMER_PAUSES, Part.CONSUMER)
READ_ONLY = Growing("writes refused as read-only", metrics.DATABASE_FAILURES, Part.CONSUMER, {"sqlstate": "25006"})
