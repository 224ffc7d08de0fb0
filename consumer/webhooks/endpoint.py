"""One endpoint's part of the dispatcher: messages go out side by side, those of one order one after the other."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from structlog.contextvars import bind_contextvars

from consumer.webhooks.outcomes import Outcome
from consumer.webhooks.sending import Sender
from consumer.webhooks.signatures import signed_headers
from consumer.webhooks.turns import LEASE_SECONDS, Attempt, Lease, LeaseLost, Turn, take_turn
from shakerqueue.database import Database
from shakerqueue.errors import Unavailable
from shakerqueue.queries import webhooks
from shakerqueue.queries.models import WebhookEndpoint
from shakerqueue.queries.webhooks import ListDueDeliveriesRow
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.metrics import WEBHOOK_ATTEMPTS, WEBHOOK_DURATION, WEBHOOKS_IN_FLIGHT
from shakerqueue.telemetry.tracing import Attributes, Kind
from shakerqueue.webhook_messages import News, message_id

MAX_IN_FLIGHT = 16
RENEW_SECONDS = 3.0  # well within a lease
GATHER_SECONDS = 0.005  # what ends together shares a transaction
DATABASE_RETRY_SECONDS = 1.0
DRAIN_SECONDS = 5.0  # within those that a process has to end

log = structlog.get_logger(__name__)


class EndpointDispatcher:
    """Sends to one endpoint for as long as it holds the lease."""

    def __init__(self, lease: Lease, database: Database, sender: Sender, news: Callable[[], Sequence[News]]) -> None:
        self._lease = lease
        self._database = database
        self._sender = sender
        self._news = news
        self._wake = asyncio.Event()
        self._stopping = False
        self._in_flight: dict[UUID, asyncio.Task[None]] = {}
        self._ended: list[Attempt] = []

    @property
    def id(self) -> UUID:
        """The endpoint's."""
        return self._lease.endpoint_id

    def wake(self) -> None:
        """Look now: something may have happened."""
        self._wake.set()

    def stop(self) -> None:
        """Send nothing more, and end when what is in flight has been written down.

        What takes longer is broken off, and sent again by whoever has the endpoint next.
        """
        self._stopping = True
        self._wake.set()
        asyncio.get_running_loop().call_later(DRAIN_SECONDS, self._break_off)

    async def run(self) -> None:
        """Return when stopped, when the endpoint is disabled, or when somebody else has it."""
        bind_contextvars(endpoint_id=str(self.id))  # of this task, and of those that it starts
        try:
            while not self._stopping or self._in_flight or self._ended:
                turn = await self._turn()
                if turn is not None and not turn.endpoint.enabled and not self._in_flight and not self._ended:
                    break
                await self._wait(turn)
            await asyncio.to_thread(self._end_lease)
        except LeaseLost:
            log.info("webhook_lease_lost")
        finally:
            self._break_off()

    def _break_off(self) -> None:
        for task in self._in_flight.values():
            task.cancel()

    async def _turn(self) -> Turn | None:
        """None while the database is away: what ended is written down at a later turn."""
        began_at = time.monotonic()
        ended, self._ended = self._ended, []
        room = 0 if self._stopping else MAX_IN_FLIGHT - len(self._in_flight)
        try:
            turn = await asyncio.to_thread(self._take_turn, ended, set(self._in_flight), room)
        except Unavailable as error:
            log.warning("webhooks_wait_for_database", reason=error.reason)
            self._ended = ended + self._ended
            return None
        for delivery in turn.due:
            self._in_flight[delivery.id] = asyncio.create_task(self._send(turn.endpoint, delivery, began_at))
        return turn

    def _take_turn(self, ended: Sequence[Attempt], in_flight: Collection[UUID], room: int) -> Turn:
        with self._database.transaction() as conn:
            return take_turn(conn, self._lease, ended, self._news(), in_flight, room)

    async def _send(self, endpoint: WebhookEndpoint, delivery: ListDueDeliveriesRow, turn_began_at: float) -> None:
        """Send a message, unless somebody else may have the lease by now: the process may have stood still."""
        try:
            if time.monotonic() - turn_began_at < LEASE_SECONDS - RENEW_SECONDS:
                await self._post(endpoint, delivery)
        finally:
            del self._in_flight[delivery.id]
            self._wake.set()

    async def _post(self, endpoint: WebhookEndpoint, delivery: ListDueDeliveriesRow) -> None:
        bind_contextvars(delivery_id=str(delivery.id), order_id=str(delivery.order_id) if delivery.order_id else None)
        began_at = datetime.now(UTC)
        body = delivery.body.encode()
        secrets = [endpoint.secret]
        if endpoint.previous_secret and endpoint.previous_secret_until and endpoint.previous_secret_until > began_at:
            secrets.append(endpoint.previous_secret)
        headers = {"content-type": "application/json", **signed_headers(delivery.id, body, secrets, int(time.time()))}
        with WEBHOOKS_IN_FLIGHT.track_inprogress(), WEBHOOK_DURATION.time():
            outcome = await self._traced_post(endpoint, delivery, headers, body)
        WEBHOOK_ATTEMPTS.labels("delivered" if outcome.delivered else outcome.error or "refused").inc()
        self._ended.append(Attempt(delivery, began_at, outcome))

    async def _traced_post(
        self, endpoint: WebhookEndpoint, delivery: ListDueDeliveriesRow, headers: dict[str, str], body: bytes
    ) -> Outcome:
        """One attempt, within the trace in which the order was placed: the receiver may go on with it."""
        with tracing.continued("POST webhook", Kind.CLIENT, delivery.traceparent) as span:
            if traceparent := tracing.traceparent():
                headers = {**headers, "traceparent": traceparent}
            outcome = await self._sender.post(endpoint.url, headers, body)
            if tracing.is_on():
                span.set_attributes(_span_attributes(endpoint, delivery, outcome))
            log.log(
                logging.INFO if outcome.delivered else logging.WARNING,
                "webhook_attempt",
                type=delivery.type,
                attempt=delivery.attempts + 1,
                status=outcome.status,
                error=outcome.error,
                duration_seconds=round(outcome.duration_seconds, 6),
            )
        return outcome

    async def _wait(self, turn: Turn | None) -> None:
        """Until something ended or happened, or the next message is due."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), self._pause_seconds(turn))
        await asyncio.sleep(GATHER_SECONDS)
        self._wake.clear()

    def _pause_seconds(self, turn: Turn | None) -> float:
        if turn is None:
            return DATABASE_RETRY_SECONDS
        if turn.behind:
            return 0.0
        if turn.seconds_until_due is None or self._stopping or len(self._in_flight) >= MAX_IN_FLIGHT:
            return RENEW_SECONDS
        return min(RENEW_SECONDS, max(0.0, turn.seconds_until_due))

    def _end_lease(self) -> None:
        with suppress(Unavailable), self._database.connection() as conn:
            webhooks.end_lease(conn, id=self._lease.endpoint_id, lease_token=self._lease.token)


def _span_attributes(endpoint: WebhookEndpoint, delivery: ListDueDeliveriesRow, outcome: Outcome) -> Attributes:
    """Whom, what, and what came of it. Not the URL: it may hold a token of the receiver's."""
    told: dict[str, str | int] = {
        "http.request.method": "POST",
        "http.request.resend_count": delivery.attempts,
        "server.address": urlsplit(endpoint.url).hostname or "",
        "shakerqueue.webhook.type": delivery.type,
        "shakerqueue.webhook.id": message_id(delivery.id),
        "shakerqueue.webhook.endpoint_id": str(endpoint.id),
        "shakerqueue.order_id": str(delivery.order_id),
    }
    if outcome.status is not None:
        told["http.response.status_code"] = outcome.status
    if not outcome.delivered:
        told["error.type"] = outcome.error or str(outcome.status)
    return told
