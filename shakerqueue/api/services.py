"""What the views use of the process: made by the application factory, reached through the Flask app."""

from dataclasses import dataclass
from threading import Semaphore
from typing import cast

from flask import current_app

from shakerqueue.acceptance import Acceptance
from shakerqueue.api.stream_places import StreamPlaces
from shakerqueue.api.stream_watch import StreamWatch
from shakerqueue.api.tokens import TokenVerifier
from shakerqueue.api_keys import ApiKeyCache
from shakerqueue.bar import BarCache
from shakerqueue.config import Settings
from shakerqueue.database import Database
from shakerqueue.devices import Devices
from shakerqueue.event_feed import EventFeed
from shakerqueue.following import Follower
from shakerqueue.guest_passes import GuestPasses
from shakerqueue.id_secret import OrderIdSecret
from shakerqueue.key_look_ups import KeyLookUps
from shakerqueue.menu import MenuCache
from shakerqueue.messaging.dead_letters import DeadLetters
from shakerqueue.messaging.publisher import Publisher
from shakerqueue.order_writer import OrderWriter
from shakerqueue.passwords import PasswordHasher
from shakerqueue.request_counts import RequestCounts
from shakerqueue.revocations import Revocations
from shakerqueue.sessions import Sessions
from shakerqueue.sign_in_attempts import SignInAttempts
from shakerqueue.telemetry.sampling import Sampler

EXTENSION = "shakerqueue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    settings: Settings
    database: Database
    key_look_ups: KeyLookUps
    menu: MenuCache
    bar: BarCache
    feed: EventFeed
    follower: Follower
    publisher: Publisher | None  # none where the product runs without a broker
    writer: OrderWriter
    acceptance: Acceptance
    dead_letters: DeadLetters | None
    passwords: PasswordHasher
    tokens: TokenVerifier
    revocations: Revocations
    api_keys: ApiKeyCache
    sessions: Sessions
    devices: Devices
    sign_in_attempts: SignInAttempts
    guest_passes: GuestPasses
    order_id_secret: OrderIdSecret
    request_counts: RequestCounts | None  # none where requests are not limited
    waiting_places: Semaphore  # requests that may hold their answer back at the same time
    stream_places: StreamPlaces  # streams that may go on at the same time
    stream_watch: StreamWatch
    report_places: Semaphore  # reports that may be read at the same time
    sampler: Sampler

    def stop(self) -> None:
        """End the threads; the publisher first, while what it waits for is still there."""
        if self.publisher:
            self.publisher.stop()
        self.writer.stop()
        self.follower.stop()
        self.stream_watch.stop()
        if self.request_counts:
            self.request_counts.stop()
        self.sampler.stop()
        self.database.stop()


def services() -> Services:
    return cast("Services", current_app.extensions[EXTENSION])
