"""The peer on Flask and dramatiq: `POST /orders` sends a task, as dramatiq's guide has it, on gunicorn's threads.

The broker confirms each message (`confirm_delivery`), which makes it mandatory as well; dramatiq keeps a connection
for each thread that sends. psycopg's pool for the look-up of a key; pydantic models for what comes in and goes out;
PyJWT for the token. It refuses what ShakerQueue refuses.

Settings come from the environment: AMQP_URL, PEER_QUEUE (declared by the benchmark, with the arguments of our own),
and those of `peer_orders`.
"""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from flask import Flask, Response, request
from peer_orders import (
    DATABASE_URL,
    STORED_ORDER,
    AccessClaims,
    KnownOrder,
    PlaceOrder,
    Refused,
    place,
    principal,
    queued,
)
from psycopg_pool import ConnectionPool
from pydantic import ValidationError

QUEUE = os.environ["PEER_QUEUE"]
MAX_KEY_LENGTH = 255


class DeclaredBroker(RabbitmqBroker):
    """dramatiq would declare a classic queue; the benchmark has declared a quorum queue, as for all contenders."""

    def _ensure_queue(self, canonical_queue_name: str) -> None:
        self.queues_pending.discard(canonical_queue_name)


dramatiq.set_broker(DeclaredBroker(url=os.environ["AMQP_URL"], confirm_delivery=True))


@dramatiq.actor(queue_name=QUEUE)
def persist(order: dict[str, Any]) -> None:
    """What a worker would do. None runs: intake is measured."""


app = Flask(__name__)
pool = ConnectionPool(DATABASE_URL, kwargs={"autocommit": True}, open=True)  # gunicorn loads this in each worker


@app.errorhandler(Refused)
def refuse(error: Refused) -> tuple[dict[str, str], int]:
    return {"detail": error.detail}, error.status


@app.errorhandler(ValidationError)
def refuse_fields(error: ValidationError) -> Response:
    return Response(error.json(include_url=False, include_context=False), 422, mimetype="application/json")


@app.errorhandler(dramatiq.errors.ConnectionError)
def refuse_for_broker(_: dramatiq.errors.ConnectionError) -> tuple[dict[str, str], int]:
    return {"detail": "the broker did not confirm"}, 503


@app.post("/orders")
def place_order() -> Response:
    who = principal(bearer_token())
    wanted = PlaceOrder.model_validate_json(request.get_data())
    key = idempotency_key()
    if key and (known := known_order(who, key)):
        return Response(known.model_dump_json(), 202, mimetype="application/json")
    order = place(wanted, who, key)
    persist.send(order.model_dump(mode="json"))
    headers = {"Location": f"/orders/{order.id}"}
    return Response(queued(order).model_dump_json(), 202, headers, mimetype="application/json")


def known_order(who: AccessClaims, key: str) -> KnownOrder | None:
    """The order that this key stands for."""
    with pool.connection() as conn:
        row = conn.execute(STORED_ORDER, (who.sub, key)).fetchone()
    return KnownOrder(id=row[0], status=row[1]) if row else None


def bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Refused(401, "send a bearer token")
    return token


def idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise Refused(422, f"a key has 1 to {MAX_KEY_LENGTH} characters")
    return key


@app.get("/readyz")
def readyz() -> dict[str, str]:
    return {"status": "ready"}
