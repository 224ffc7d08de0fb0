"""The application in this process, as fixtures: faster than a server, and as real behind the views."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.app import create_app
from shakerqueue.intake import insert_orders
from shakerqueue.integrations import add_integration, issue_key
from shakerqueue.messaging.messages import unpack
from shakerqueue.scopes import Scope
from tests.support.bar import Bar
from tests.support.contract import CheckedClient
from tests.support.waiting import eventually


def is_open(services: Services) -> bool:
    return services.publisher is None or services.publisher.obstacle is None


@contextmanager
def running_app(bar: Bar, **settings: Any) -> Iterator[Flask]:
    """The application of a bar, with other settings where given."""
    app = create_app(replace(bar.settings, **settings))
    app.test_client_class = CheckedClient
    services: Services = app.extensions[EXTENSION]
    eventually(lambda: services.menu.loaded and not services.revocations.stale and is_open(services))
    yield app
    services.stop()


@pytest.fixture(scope="module")
def shared_app(shared_bar: Bar) -> Iterator[Flask]:
    """One application for all of a module's tests that are marked `shares_bar`."""
    with running_app(shared_bar) as app:
        yield app


@pytest.fixture
def app(request: pytest.FixtureRequest, bar: Bar) -> Iterator[Flask]:
    """The application of the test's bar."""
    if request.node.get_closest_marker("shares_bar"):
        yield request.getfixturevalue("shared_app")
        return
    with running_app(bar) as app:
        yield app


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions[EXTENSION]
    return found


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def guest(client: FlaskClient) -> dict[str, str]:
    return sign_in(client, "user@example.com")


@pytest.fixture
def bartender(client: FlaskClient) -> dict[str, str]:
    return sign_in(client, "bartender@example.com")


@pytest.fixture
def admin(client: FlaskClient) -> dict[str, str]:
    return sign_in(client, "admin@example.com")


@pytest.fixture
def pos(services: Services) -> dict[str, str]:
    """A key of an integration, with every scope."""
    with services.database.transaction() as conn:
        issued = issue_key(conn, add_integration(conn, "pos"), scopes=Scope, expires_at=None)
    return {"Authorization": f"Bearer {issued.key}"}


def sign_in(client: FlaskClient, email: str) -> dict[str, str]:
    answer = client.post("/login", json={"email": email, "password": "password123"})
    assert 200 == answer.status_code, answer.text
    return {"Authorization": f"Bearer {answer.get_json()['token']}"}


def persist_queued(bar: Bar, services: Services) -> None:
    """Store the orders that are in the queue, as the consumer would."""
    connection, channel = bar.open_channel()
    with connection:
        while (message := channel.basic_get(bar.topology.orders_queue, auto_ack=True))[0]:
            with services.database.transaction() as conn:
                insert_orders(conn, unpack(message[2]))
