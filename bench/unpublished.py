"""`python -m bench.unpublished`: our API, which takes every order for safe at once: all it costs but the publish."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Flask

from shakerqueue import app
from shakerqueue.acceptance import Acceptance
from shakerqueue.api.services import EXTENSION, Services
from shakerqueue.config import load_settings
from shakerqueue.deadlines import Deadline
from shakerqueue.errors import ShakerQueueError
from shakerqueue.messaging.messages import OrderPlaced
from shakerqueue.server import serve


class Unpublished(Acceptance):
    """Publishes nothing and stores nothing."""

    def accept_all(self, orders: Sequence[OrderPlaced], _: Deadline) -> list[ShakerQueueError | None]:
        """Every order is as good as safe."""
        return [None] * len(orders)


def create_app() -> Flask:
    """The application of one process."""
    made = app.create_app()
    services: Services = made.extensions[EXTENSION]
    made.extensions[EXTENSION] = replace(services, acceptance=Unpublished(None, services.writer))
    return made


if __name__ == "__main__":
    serve(load_settings(), "bench.unpublished:create_app")
