"""The benchmark still runs: what needs no servers of its own, in this process."""

from typing import TYPE_CHECKING

import pytest
from flask import Flask

from bench import request
from shakerqueue.api.express import ExpressOrders
from shakerqueue.api.services import Services

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

pytestmark = pytest.mark.shares_bar


def test_a_request_is_measured_by_either_way(
    app: Flask, services: Services, guest: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services.acceptance, "accept_all", lambda orders, _: [None] * len(orders))
    assert isinstance(app.wsgi_app, ExpressOrders)
    ways: dict[str, WSGIApplication] = {"short": app.wsgi_app, "usual": app.wsgi_app.usual_way}

    found = request.measure(ways, guest["Authorization"].removeprefix("Bearer "), rounds=1, requests=5)

    assert {"short": 1, "usual": 1} == {way: len(each) for way, each in found.items()}
    assert all(microseconds > 0 for each in found.values() for microseconds in each)
