"""The durations of requests have few labels, whatever clients send."""

import pytest
from flask import Flask, g

from shakerqueue.api import request_metrics
from shakerqueue.telemetry.metrics import REQUEST_DURATION


@pytest.fixture
def app() -> Flask:
    app = Flask(__name__, static_folder=None)
    app.before_request(lambda: setattr(g, "started_seconds", 0.0))
    request_metrics.register(app)
    app.add_url_rule("/glasses/<int:number>", view_func=lambda number: f"glass {number}")
    return app


def observed() -> set[tuple[str, ...]]:
    """The labels of what was observed of these routes."""
    [family] = REQUEST_DURATION.collect()
    found = {(s.labels["route"], s.labels["method"], s.labels["status"]) for s in family.samples}
    return {labels for labels in found if labels[0] in ("/glasses/<int:number>", request_metrics.UNMATCHED)}


def test_a_route_is_its_rule_and_never_what_was_in_its_place(app: Flask) -> None:
    for number in range(5):
        app.test_client().get(f"/glasses/{number}")
    assert ("/glasses/<int:number>", "GET", "2xx") in observed()


def test_what_clients_invent_is_one_label(app: Flask) -> None:
    """Other tests of this process may have been nowhere, too."""
    invented, before = (request_metrics.UNMATCHED, request_metrics.OTHER, "4xx"), observed()
    for number in range(5):
        app.test_client().open(f"/nowhere/{number}", method=f"SHAKE{number}")
    assert {invented} == observed() - (before - {invented})
