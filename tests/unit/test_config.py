"""Settings: what is missing or unusable is named before anything starts."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from shakerqueue.business_days import BusinessDays
from shakerqueue.config import Environment, load_settings
from shakerqueue.errors import ConfigurationError

GOOD = {
    "DATABASE_URL": "postgresql://localhost/bar",
    "AMQP_URL": "amqp://localhost",
    "JWT_SECRET": "0123456789abcdef0123456789abcdef",
    "PASSWORD_PEPPER": "fedcba9876543210fedcba9876543210",
}


@pytest.fixture(autouse=True)
def good_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SHAKERQUEUE_ENV",
        "PORT",
        "BCRYPT_COST",
        "AMQP_PREFIX",
        "TIME_ZONE",
        "BUSINESS_DAY_ENDS",
        "WEBHOOK_ALLOW_PRIVATE",
        "RATE_LIMITS",
        "RATE_LIMIT_STORAGE_URI",
        "TRUSTED_PROXIES",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_production_is_what_nobody_asked_otherwise() -> None:
    assert Environment.PRODUCTION is load_settings().environment


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    shown = repr(load_settings())
    assert [] == [name for name, value in GOOD.items() if value in shown]


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "bar"),
        ("AMQP_URL", "localhost:5672"),
        ("PORT", "0"),
        ("HOST", ""),
        ("METRICS_HOST", ""),
        ("PORT", "eighty"),
        ("ACCESS_TOKEN_SECONDS", "901"),
        ("REFRESH_TOKEN_SECONDS", "59"),
        ("GUEST_PASS_SECONDS", "86401"),
        ("PUBLIC_URL", "https://bar.example/menu"),
        ("AMQP_PREFIX", "UPPER case"),
        ("SHAKERQUEUE_ENV", "staging"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:password@collector"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
        ("FAILPOINTS_DIR", "failpoints"),
        ("TIME_ZONE", "Europe/Atlantis"),
        ("TIME_ZONE", "Europe"),
        ("TIME_ZONE", "../../etc/passwd"),
        ("BUSINESS_DAY_ENDS", "5"),
        ("BUSINESS_DAY_ENDS", "24:00"),
        ("WEBHOOK_ALLOW_PRIVATE", "sometimes"),
        ("RATE_LIMITS", "sometimes"),
        ("RATE_LIMIT_STORAGE_URI", "memcached://localhost"),
        ("RATE_LIMIT_STORAGE_URI", "redis://store:port"),
        ("TRUSTED_PROXIES", "-1"),
    ],
)
def test_an_unusable_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load_settings()


def test_webhooks_go_to_private_targets_only_where_somebody_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load_settings().webhook_allow_private
    monkeypatch.setenv("WEBHOOK_ALLOW_PRIVATE", "true")
    assert load_settings().webhook_allow_private


def test_requests_are_limited_and_no_proxy_is_believed_unless_somebody_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()
    assert (True, None, 0) == (settings.rate_limits, settings.rate_limit_storage_url, settings.trusted_proxies)
    for name, value in {
        "RATE_LIMITS": "off",
        "RATE_LIMIT_STORAGE_URI": "valkeys://:secret@store:6380/1",
        "TRUSTED_PROXIES": "2",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (False, 2) == (settings.rate_limits, settings.trusted_proxies)
    assert "valkeys://:secret@store:6380/1" == settings.rate_limit_storage_url
    assert "secret@store" not in repr(settings)


def test_a_setting_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    (tmp_path / "url").write_text("postgresql://elsewhere/bar\n")
    assert "postgresql://elsewhere/bar" == load_settings().database_url


def test_business_days_are_those_of_the_bars_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BusinessDays(ZoneInfo("UTC"), time(5)) == load_settings().business_days
    monkeypatch.setenv("TIME_ZONE", "Europe/Berlin")
    monkeypatch.setenv("BUSINESS_DAY_ENDS", "04:30")
    assert BusinessDays(ZoneInfo("Europe/Berlin"), time(4, 30)) == load_settings().business_days


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET_FILE", "/nowhere/at/all")
    with pytest.raises(ConfigurationError, match="JWT_SECRET_FILE"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ("", None),
        ("http://collector:4318/", "http://collector:4318"),
        ("https://otlp.example/eu", "https://otlp.example/eu"),
    ],
)
def test_traces_are_off_unless_they_have_somewhere_to_go(
    monkeypatch: pytest.MonkeyPatch, given: str, endpoint: str | None
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", given)
    assert endpoint == load_settings().otlp_endpoint


def test_the_collectors_credentials_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("authorization=Bearer%20collector\n")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS_FILE", str(tmp_path / "headers"))
    settings = load_settings()
    assert "authorization=Bearer%20collector" == settings.otlp_headers
    assert "collector" not in repr(settings)
