"""The application factory: wiring only."""

import atexit
from contextlib import suppress
from threading import Semaphore
from typing import Any

from flask import Flask
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from shakerqueue import failpoints
from shakerqueue.acceptance import Acceptance
from shakerqueue.api import (
    api_keys,
    auth,
    bar,
    contract,
    dead_letters,
    events,
    health,
    me,
    menu,
    order_batches,
    order_verbs,
    orders,
    problems,
    queue,
    rate_limits,
    recipes,
    reports,
    request_metrics,
    request_spans,
    requests,
    session,
    status,
    tables,
    tablet,
    tokens,
    users,
    webhooks,
)
from shakerqueue.api.converters import OtherThan
from shakerqueue.api.express import ExpressOrders
from shakerqueue.api.json_bodies import MAX_BODY_BYTES, JSONRequest, StrictJSONProvider
from shakerqueue.api.openapi.document import build_document
from shakerqueue.api.openapi.json_schemas import SchemaPlugin
from shakerqueue.api.openapi.problem_schemas import ProblemSchema
from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.api.stream_places import StreamPlaces
from shakerqueue.api.stream_watch import HouseNews, StreamWatch
from shakerqueue.api_keys import ApiKeyCache
from shakerqueue.bar import BarCache
from shakerqueue.config import Settings, load_settings
from shakerqueue.database import Database
from shakerqueue.deadlines import Deadline
from shakerqueue.devices import Devices
from shakerqueue.errors import Unavailable
from shakerqueue.event_feed import EventFeed
from shakerqueue.following import Followed, Follower
from shakerqueue.guest_passes import GuestPasses
from shakerqueue.id_secret import OrderIdSecret
from shakerqueue.key_look_ups import KeyLookUps
from shakerqueue.menu import MenuCache
from shakerqueue.messaging.dead_letters import DeadLetters
from shakerqueue.messaging.publisher import Publisher
from shakerqueue.messaging.topology import Topology
from shakerqueue.order_writer import OrderWriter
from shakerqueue.passwords import PasswordHasher, hashes_at_once
from shakerqueue.refresh_tokens import derived_secret
from shakerqueue.request_counts import RequestCounts
from shakerqueue.revocations import Revocations
from shakerqueue.sessions import Sessions
from shakerqueue.sign_in_attempts import SignInAttempts
from shakerqueue.telemetry import tracing
from shakerqueue.telemetry.logging import configure_logging
from shakerqueue.telemetry.metrics import API_WORKERS, STREAMS_ALLOWED
from shakerqueue.telemetry.sampling import Sampler
from shakerqueue.web import docs, headers, pages

BLUEPRINTS = (
    auth.blueprint,
    session.blueprint,
    tablet.blueprint,
    me.blueprint,
    users.blueprint,
    api_keys.blueprint,
    webhooks.blueprint,
    menu.blueprint,
    recipes.blueprint,
    bar.blueprint,
    tables.blueprint,
    orders.blueprint,
    order_batches.blueprint,
    order_verbs.blueprint,
    queue.blueprint,
    events.blueprint,
    reports.blueprint,
    status.blueprint,
    dead_letters.blueprint,
    health.blueprint,
    contract.blueprint,
)


class ProblemApi(Api):  # type: ignore[misc] # it ships no types
    """flask-smorest with our form of errors in place of its own, and our schemas described as they check."""

    ERROR_SCHEMA = ProblemSchema
    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        super().__init__(app, spec_kwargs={"marshmallow_plugin": SchemaPlugin()})

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.from_http_exception(error)


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one process. Starts the process's threads: call it after the fork.

    Raises:
        ConfigurationError: a setting is missing or unusable.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    tracing.start(settings, "shakerqueue-api")
    failpoints.enable(settings.failpoints_folder)
    app = Flask("shakerqueue", static_folder=None)
    app.debug = False  # whatever FLASK_DEBUG says
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json = StrictJSONProvider(app)
    app.request_class = JSONRequest
    tokens.configure(app, settings)
    trust_proxies(app, settings.trusted_proxies)
    requests.register_hooks(app)
    request_spans.trace_requests(app)
    request_metrics.register(app)
    rate_limits.register_headers(app)
    headers.register(app, settings)
    contract.publish(app, register_api(app))
    app.extensions[EXTENSION] = _start_services(settings)
    if not tracing.is_on():  # a trace costs more than this saves
        app.wsgi_app = ExpressOrders(app, headers.data_headers(settings))  # type: ignore[method-assign]
    return app


def trust_proxies(app: Flask, count: int) -> None:
    """Take a client's address from what the last so many proxies wrote; without any, `X-Forwarded-For` is nothing.

    Of what they may forward it is the only thing that we use: our own address is PUBLIC_URL.
    """
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=0)  # type: ignore[method-assign]


def describe_api() -> dict[str, Any]:
    """The OpenAPI document. Nothing is started for it, and no setting is read."""
    return register_api(Flask("shakerqueue", static_folder=None))


def register_api(app: Flask) -> dict[str, Any]:
    """Register all routes; the document that describes them."""
    app.config.update(API_TITLE="ShakerQueue", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    app.url_map.converters["other_than"] = OtherThan
    api = ProblemApi(app)
    for blueprint in BLUEPRINTS:
        api.register_blueprint(blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(docs.blueprint)
    problems.register_handlers(app)
    return build_document(app, api)


def _start_services(settings: Settings) -> Services:
    database = Database(settings.database_url, settings.database_pool_size, "shakerqueue-api", requests.REQUEST_SECONDS)
    menu_cache, bar_cache, feed = MenuCache(database), BarCache(database), EventFeed(database)
    known_keys = ApiKeyCache(database)
    topology = Topology(settings.amqp_prefix)
    publisher = Publisher(settings.amqp_url, topology) if settings.amqp_url else None
    writer = OrderWriter(database)
    revocations = Revocations()
    devices = Devices(settings.jwt_secret)
    sessions = Sessions(derived_secret(settings.jwt_secret), settings.refresh_token_seconds)
    request_counts = RequestCounts(settings.rate_limit_storage_url, settings.workers) if settings.rate_limits else None
    stream_watch = StreamWatch(HouseNews(menu_cache, bar_cache))

    def on_change(cache: Followed) -> None:
        if cache is not feed:  # which wakes its readers itself
            stream_watch.hurry()

    follower = Follower(settings.database_url, [revocations, known_keys, feed, bar_cache, menu_cache], on_change)
    samples = {API_WORKERS: lambda: 1, STREAMS_ALLOWED: lambda: settings.streams, **database.samples()}
    sampler = Sampler({**samples, **(publisher.samples() if publisher else {})})
    for part in (database, follower, stream_watch, publisher, writer, sampler):
        if part:
            part.start()
    services = Services(
        settings=settings,
        database=database,
        key_look_ups=KeyLookUps(database),
        menu=menu_cache,
        bar=bar_cache,
        feed=feed,
        follower=follower,
        publisher=publisher,
        writer=writer,
        acceptance=Acceptance(publisher, writer),
        dead_letters=DeadLetters(settings.amqp_url, topology) if settings.amqp_url else None,
        passwords=PasswordHasher(settings.password_pepper, settings.bcrypt_cost, hashes_at_once(settings.workers)),
        tokens=tokens.TokenVerifier(),
        revocations=revocations,
        api_keys=known_keys,
        sessions=sessions,
        devices=devices,
        sign_in_attempts=SignInAttempts(settings.jwt_secret, devices),
        guest_passes=GuestPasses(sessions, settings.guest_pass_seconds),
        order_id_secret=OrderIdSecret(database),
        request_counts=request_counts,
        waiting_places=Semaphore(settings.threads // 4),
        stream_places=StreamPlaces(settings.streams),
        stream_watch=stream_watch,
        report_places=Semaphore(max(1, settings.database_pool_size // 2)),
        sampler=sampler,
    )
    with suppress(Unavailable):  # read now if it can be, so that intake goes on if the database goes away next
        services.order_id_secret.read(Deadline.after(requests.REQUEST_SECONDS))
    atexit.register(tracing.stop)
    atexit.register(services.stop)  # before the other: the last comes first
    return services
