"""Settings: read from the environment once, frozen, and passed down. Nothing else reads the environment."""

import re
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum
from os import cpu_count
from pathlib import Path
from zoneinfo import ZoneInfo

from environs import Env, FileAwareEnv, validate

from shakerqueue.business_days import BusinessDays
from shakerqueue.errors import ConfigurationError

MIN_SECRET_BYTES = 32
# What stands in examples that people copy. In 48 random bytes in base64 such a word comes once in some millions.
PLACEHOLDER = re.compile("change|default|example|insecure|password|placeholder|secret", re.IGNORECASE)
MIN_BCRYPT_COST = 12
MAX_ACCESS_TOKEN_SECONDS = 900  # how far back every process remembers revocations
HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400
NO_BROKER = "off"
OTLP_ENDPOINT_FORM = re.compile(r"^(https?://[^/?#@\s]+(/[^?#@\s]*)?)?$")  # no password: exporters' errors tell it
STORE_FORM = re.compile(
    r"^(redis|valkey)s?://([^/?#@\s]*@)?([^/?#@:\[\s]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/\d*)?(\?\S*)?$"
)
ON, OFF = "on", "off"
PUBLIC_URL_FORM = re.compile(r"^https?://[^/?#@\s]+/?$")  # scheme and host, perhaps a port


class Environment(StrEnum):
    """Where the process runs. Only `development` and `test` may be seeded or use cheap password hashes."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set; see the table in README.md for what each one does."""

    environment: Environment
    database_url: str = field(repr=False)
    amqp_url: str | None = field(repr=False)  # None: without a broker, the API stores orders itself
    amqp_prefix: str
    jwt_secret: str = field(repr=False)
    password_pepper: str = field(repr=False)
    access_token_seconds: int
    refresh_token_seconds: int
    guest_pass_seconds: int
    bcrypt_cost: int
    host: str
    port: int
    workers: int
    threads: int
    streams: int
    database_pool_size: int
    consumer_batch_size: int
    log_level: str
    log_format: str
    business_days: BusinessDays
    webhook_allow_private: bool
    rate_limits: bool = True
    rate_limit_storage_url: str | None = field(default=None, repr=False)  # None: each process counts for itself
    trusted_proxies: int = 0  # that stand before the API, one behind the other
    public_url: str | None = None  # how browsers reach the pages: scheme and host, no slash at the end
    otlp_endpoint: str | None = None  # where traces go, no slash at the end; None: there are none
    otlp_headers: str = field(default="", repr=False)  # name=value,name=value
    trace_sample_ratio: float = 1.0
    failpoints_folder: Path | None = None
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = None  # None: this process answers nobody who asks for its metrics
    metrics_folder: Path | None = None  # in which the API's workers add them up; None: a new one

    @property
    def is_production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers are to send the pages' cookies over HTTPS only; in production unless told otherwise."""
        return self.public_url.startswith("https://") if self.public_url else self.is_production


def load_settings() -> Settings:
    """Read the environment (and nothing else: no .env file is looked for).

    Every name may also be given as NAME_FILE: the path of a file that holds the value, as container secrets do.

    Raises:
        ConfigurationError: a setting is missing or unusable; the text names it.
    """
    try:
        return _read(FileAwareEnv(strip_whitespace=True))
    except ValueError as error:  # EnvError is one; an unreadable file raises it bare
        raise ConfigurationError(str(error)) from error


def _read(env: Env) -> Settings:
    environment = env.enum("SHAKERQUEUE_ENV", default=Environment.PRODUCTION, enum=Environment, by_value=True)
    lowest_cost = 4 if environment is Environment.TEST else MIN_BCRYPT_COST
    return Settings(
        environment=environment,
        database_url=env.str("DATABASE_URL", validate=validate.Regexp("^postgres(ql)?://")),
        amqp_url=_amqp_url(env),
        amqp_prefix=env.str("AMQP_PREFIX", default="sq", validate=validate.Regexp(r"^[a-z0-9-]{1,40}$")),
        jwt_secret=_secret(env, "JWT_SECRET"),
        password_pepper=_secret(env, "PASSWORD_PEPPER"),
        access_token_seconds=_whole(env, "ACCESS_TOKEN_SECONDS", default=900, low=1, high=MAX_ACCESS_TOKEN_SECONDS),
        refresh_token_seconds=_whole(
            env, "REFRESH_TOKEN_SECONDS", default=30 * DAY_SECONDS, low=60, high=366 * DAY_SECONDS
        ),
        guest_pass_seconds=_whole(env, "GUEST_PASS_SECONDS", default=6 * HOUR_SECONDS, low=60, high=DAY_SECONDS),
        bcrypt_cost=_whole(env, "BCRYPT_COST", default=MIN_BCRYPT_COST, low=lowest_cost, high=18),
        host=_host(env, "HOST"),
        port=_whole(env, "PORT", default=8080, low=1, high=65535),
        workers=_whole(env, "WORKERS", default=cpu_count() or 1, low=1, high=256),
        threads=_whole(env, "THREADS", default=32, low=1, high=1024),
        streams=_whole(env, "STREAMS", default=400, low=1, high=10_000),
        database_pool_size=_whole(env, "DATABASE_POOL_SIZE", default=8, low=1, high=200),
        consumer_batch_size=_whole(env, "CONSUMER_BATCH_SIZE", default=500, low=1, high=2000),
        log_level=env.str("LOG_LEVEL", default="INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
        log_format=env.str("LOG_FORMAT", default="auto", validate=validate.OneOf(["auto", "json", "console"])),
        business_days=_business_days(env),
        webhook_allow_private=env.bool("WEBHOOK_ALLOW_PRIVATE", default=False),
        rate_limits=env.str("RATE_LIMITS", default=ON, validate=validate.OneOf([ON, OFF])) == ON,
        rate_limit_storage_url=env.str("RATE_LIMIT_STORAGE_URI", default=None, validate=validate.Regexp(STORE_FORM)),
        trusted_proxies=_whole(env, "TRUSTED_PROXIES", default=0, low=0, high=16),
        public_url=_public_url(env),
        otlp_endpoint=_otlp_endpoint(env),
        otlp_headers=env.str("OTEL_EXPORTER_OTLP_HEADERS", default=""),
        trace_sample_ratio=env.float("OTEL_TRACES_SAMPLER_ARG", default=1.0, validate=validate.Range(min=0, max=1)),
        failpoints_folder=_failpoints_folder(env, environment),
        metrics_host=_host(env, "METRICS_HOST"),
        metrics_port=_metrics_port(env),
        metrics_folder=env.path("METRICS_FOLDER", default=None),
    )


def _failpoints_folder(env: Env, environment: Environment) -> Path | None:
    folder = env.path("FAILPOINTS_DIR", default=None)
    if folder is not None and environment is Environment.PRODUCTION:
        raise ConfigurationError("FAILPOINTS_DIR makes processes fail on purpose: production refuses it")
    return folder


def _host(env: Env, name: str) -> str:
    """An address to listen on. An empty one would be all that the machine has."""
    return env.str(name, default="127.0.0.1", validate=validate.Regexp(r"\S"))


def _metrics_port(env: Env) -> int | None:
    return env.int("METRICS_PORT", default=None, validate=validate.Range(min=1, max=65535))


def _business_days(env: Env) -> BusinessDays:
    ends_at = env.str("BUSINESS_DAY_ENDS", default="05:00", validate=validate.Regexp(r"^([01]\d|2[0-3]):[0-5]\d\Z"))
    return BusinessDays(_time_zone(env), time.fromisoformat(ends_at))


def _time_zone(env: Env) -> ZoneInfo:
    name = env.str("TIME_ZONE", default="UTC")
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of the database
        raise ConfigurationError(f"TIME_ZONE is no IANA time zone such as Europe/Berlin: {name!r}") from None


def _public_url(env: Env) -> str | None:
    url = env.str("PUBLIC_URL", default=None, validate=validate.Regexp(PUBLIC_URL_FORM))
    return url.rstrip("/") if url else None


def _otlp_endpoint(env: Env) -> str | None:
    """OpenTelemetry's own names. Every other `OTEL_…` is read by its SDK itself."""
    url = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="", validate=validate.Regexp(OTLP_ENDPOINT_FORM))
    return url.rstrip("/") if url else None


def _amqp_url(env: Env) -> str | None:
    """Said aloud, so that a forgotten setting is no product without a queue."""
    url = env.str("AMQP_URL", validate=validate.Regexp("^(amqps?://|off$)"))
    return None if url == NO_BROKER else url


def _whole(env: Env, name: str, *, default: int, low: int, high: int) -> int:
    return env.int(name, default=default, validate=validate.Range(min=low, max=high))


def _secret(env: Env, name: str) -> str:
    """A secret that somebody really made: long enough, not one character over and over, and no placeholder."""
    secret = env.str(name)
    too_plain = len(set(secret)) < MIN_SECRET_BYTES // 4 or PLACEHOLDER.search(secret)
    if len(secret.encode()) < MIN_SECRET_BYTES or too_plain:
        raise ConfigurationError(
            f"{name} must be at least {MIN_SECRET_BYTES} random bytes; make one with: openssl rand -base64 48"
        )
    return secret
