"""The dispatcher: takes the endpoints that nobody holds, and lets each go its own pace."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from psycopg import Connection

from consumer.webhooks.endpoint import EndpointDispatcher
from consumer.webhooks.sending import Sender
from consumer.webhooks.turns import LEASE_SECONDS, Lease
from shakerqueue.bar import BarCache
from shakerqueue.config import Settings
from shakerqueue.database import Database
from shakerqueue.errors import ShakerQueueError, Unavailable
from shakerqueue.following import Follower
from shakerqueue.menu import MenuCache
from shakerqueue.queries import order_traces, webhooks
from shakerqueue.telemetry.metrics import WEBHOOK_ENDPOINTS_HELD
from shakerqueue.telemetry.sampling import Sampler
from shakerqueue.webhook_messages import News, bar_news, menu_news

LOOK_SECONDS = 1.0  # how soon an endpoint whose dispatcher died is seen to be free
FORGET_EVERY_SECONDS = 10.0
KEPT_SECONDS = 30 * 24 * 3600
MAX_FORGOTTEN = 1_000  # at a time: it holds locks
POOL_SIZE = 4

log = structlog.get_logger(__name__)


class Bell:
    """Nothing is read: that something changed is all that has to be known."""

    max_age_seconds = 60.0
    pause_seconds = 0.1

    def __init__(self, channel: str) -> None:
        self.channel = channel

    def read(self, conn: Connection[Any]) -> None:
        """There is nothing to take in."""


class Dispatcher:
    """One process's dispatcher. Several share the endpoints: each is held by one of them at a time."""

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.database_url, POOL_SIZE, "shakerqueue-webhooks")
        self._menu, self._bar = MenuCache(self._database), BarCache(self._database)
        self._follower = Follower(
            settings.database_url,
            [Bell("webhooks_changed"), Bell("order_events"), self._menu, self._bar],
            lambda _: self._wake_from_thread(),
        )
        self._sampler = Sampler({WEBHOOK_ENDPOINTS_HELD: lambda: len(self._held), **self._database.samples()})
        self._sender = Sender(allow_private=settings.webhook_allow_private)
        self._held: dict[asyncio.Task[None], EndpointDispatcher] = {}
        self._wake = asyncio.Event()
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forget_at = 0.0

    async def run(self) -> None:
        """Dispatch until stopped; then let what is in flight end, and be written down."""
        self._loop = asyncio.get_running_loop()
        self._database.start()
        self._sampler.start()
        self._follower.start()
        log.info("webhooks_dispatching")
        while not self._stopping:
            await self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_SECONDS)
            self._wake.clear()
        if self._held:
            await asyncio.wait(self._held)
        self._follower.stop()
        await self._sender.aclose()
        self._database.stop()

    def stop(self) -> None:
        """Send nothing more, and return from `run` when all that is in flight has ended. In the loop's thread."""
        self._stopping = True
        self._wake.set()
        for endpoint in self._held.values():
            endpoint.stop()

    async def _look(self) -> None:
        try:
            for lease in await asyncio.to_thread(self._take_leases):
                self._hold(lease)
        except Unavailable as error:
            log.warning("webhooks_wait_for_database", reason=error.reason)
        if self._forget_at < time.monotonic():
            self._forget_at = time.monotonic() + FORGET_EVERY_SECONDS
            await asyncio.to_thread(self._forget_what_is_old)

    def _take_leases(self) -> list[Lease]:
        with self._database.transaction() as conn:
            return [
                Lease(row.id, row.lease_token) for row in webhooks.lease_endpoints(conn, lease_seconds=LEASE_SECONDS)
            ]

    def _hold(self, lease: Lease) -> None:
        endpoint = EndpointDispatcher(lease, self._database, self._sender, self._news)
        task = asyncio.create_task(endpoint.run())
        self._held[task] = endpoint
        task.add_done_callback(self._let_go)
        if self._stopping:
            endpoint.stop()

    def _let_go(self, task: asyncio.Task[None]) -> None:
        endpoint_id = str(self._held.pop(task).id)
        if error := task.exception():
            # Nobody foresaw it. The endpoint is free again when its lease is over.
            log.error("webhook_endpoint_failed", endpoint_id=endpoint_id, exc_info=error)

    def _news(self) -> Sequence[News]:
        """What has no place in the log, as far as it was read."""
        menu = [menu_news(self._menu.current)] if self._menu.loaded else []
        return [*menu, bar_news(self._bar.now())] if self._bar.loaded else menu

    def _wake_from_thread(self) -> None:
        assert self._loop is not None  # noqa: S101 - the follower is started after it is set
        with suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(self._wake_all)

    def _wake_all(self) -> None:
        self._wake.set()
        for endpoint in self._held.values():
            endpoint.wake()

    def _forget_what_is_old(self) -> None:
        """A part of it at a time. What cannot be forgotten now is no reason to send nothing."""
        try:
            with self._database.connection() as conn:
                webhooks.forget_done_deliveries(conn, kept_seconds=KEPT_SECONDS, at_most=MAX_FORGOTTEN)
                webhooks.forget_deliveries_of_deleted(conn, at_most=MAX_FORGOTTEN)
                webhooks.forget_endpoints(conn)
                order_traces.forget_order_traces(conn, kept_seconds=KEPT_SECONDS, at_most=MAX_FORGOTTEN)
        except ShakerQueueError as error:
            log.warning("webhooks_not_forgotten", reason=str(error))
