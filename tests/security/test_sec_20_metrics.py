"""Metrics are not for the public; nothing runs in debug mode; nobody is let in as guest."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from flask import Flask

from shakerqueue.app import create_app, register_api
from tests.support.bar import Bar, free_port
from tests.support.compose import COMPOSE_FILE, compose_project
from tests.support.metrics import Exposed

CONTAINER_PORT = "9464"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = compose_project()["services"]
    return found


@pytest.fixture
def served(bar: Bar) -> Iterator[tuple[httpx.Client, Exposed]]:
    port = free_port()
    with replace(bar, extra_environment={"METRICS_PORT": str(port)}).api() as client:
        yield client, Exposed(port)


def test_sec_20_metrics_are_on_a_port_of_their_own_only(served: tuple[httpx.Client, Exposed]) -> None:
    public, exposed = served
    assert "shakerqueue_orders_accepted" in exposed.families()
    for path in ("/metrics", "/metrics/", "/Metrics", "/./metrics"):
        answer = public.get(path)
        assert (404, False) == (answer.status_code, "shakerqueue_" in answer.text), path


def test_sec_20_no_route_tells_metrics() -> None:
    app = Flask("shakerqueue", static_folder=None)
    register_api(app)
    assert [] == [rule.rule for rule in app.url_map.iter_rules() if "metric" in rule.rule.lower()]


def test_sec_20_metrics_are_off_or_on_the_loopback_unless_asked_for(bar: Bar) -> None:
    assert (None, "127.0.0.1") == (bar.settings.metrics_port, bar.settings.metrics_host)


def test_sec_20_metrics_of_containers_stay_in_their_network(services: dict[str, Any]) -> None:
    for name in ("api", "consumer", "webhooks"):
        environment = services[name]["environment"]
        assert CONTAINER_PORT == environment["METRICS_PORT"]
    published = [str(port) for service in services.values() for port in service.get("ports", [])]
    assert published
    assert [] == [port for port in published if CONTAINER_PORT in port]


def test_sec_20_debug_is_off(bar: Bar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever Flask's own variables say: a debugger would run what a stranger types."""
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(bar.settings)
    app.extensions["shakerqueue"].stop()
    assert (False, False) == (app.debug, app.testing)


def test_sec_20_no_guest_account_in_compose(services: dict[str, Any]) -> None:
    assert "guest" not in COMPOSE_FILE.read_text()
    settings = services["rabbitmq"]["environment"]
    assert [] == [name for name in settings if name in ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS")]
    made = " ".join(services["secrets"]["command"])
    assert "default_user = shakerqueue" in made
    assert "default_pass = $" in made
