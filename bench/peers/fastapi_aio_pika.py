"""The peer on FastAPI and aio-pika: `POST /orders` as its authors' documentation would have it written.

A connection in the lifespan, made by `connect_robust`; one channel with publisher confirms, shared by all
requests; psycopg's pool, made there as well, for the look-up of a key; pydantic models for what comes in and goes out;
PyJWT for the token. It refuses what ShakerQueue
refuses, and answers 202 once the broker has confirmed a persistent, mandatory message.

Settings come from the environment: AMQP_URL, PEER_EXCHANGE and PEER_QUEUE (both declared by the benchmark, with
the arguments of our own), and those of `peer_orders`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import aio_pika
from fastapi import Depends, FastAPI, Header, Request, Response, status
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from peer_orders import (
    CONFIRM_SECONDS,
    DATABASE_URL,
    STORED_ORDER,
    AccessClaims,
    KnownOrder,
    PlacedOrder,
    PlaceOrder,
    QueuedOrder,
    Refused,
    place,
    queued,
)
from peer_orders import principal as principal_of
from psycopg_pool import AsyncConnectionPool

AMQP_URL = os.environ["AMQP_URL"]
EXCHANGE = os.environ["PEER_EXCHANGE"]
QUEUE = os.environ["PEER_QUEUE"]

bearer = HTTPBearer()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    connection = await aio_pika.connect_robust(AMQP_URL)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        app.state.exchange = await channel.get_exchange(EXCHANGE)
        async with AsyncConnectionPool(DATABASE_URL, kwargs={"autocommit": True}, open=False) as app.state.pool:
            yield


app = FastAPI(lifespan=lifespan)


@app.exception_handler(Refused)
async def refuse(_: Request, error: Refused) -> JSONResponse:
    return JSONResponse({"detail": error.detail}, status_code=error.status)


async def principal(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> AccessClaims:
    return principal_of(credentials.credentials)


@app.post("/orders", status_code=status.HTTP_202_ACCEPTED, response_model=QueuedOrder)
async def place_order(
    order: PlaceOrder,
    who: Annotated[AccessClaims, Depends(principal)],
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> QueuedOrder | JSONResponse:
    if idempotency_key and (known := await known_order(request.app.state.pool, who, idempotency_key)):
        return JSONResponse(known.model_dump(mode="json"), status.HTTP_202_ACCEPTED)
    placed = place(order, who, idempotency_key)
    await publish(request.app.state.exchange, placed)
    response.headers["Location"] = f"/orders/{placed.id}"
    return queued(placed)


async def known_order(pool: AsyncConnectionPool, who: AccessClaims, key: str) -> KnownOrder | None:
    """The order that this key stands for."""
    async with pool.connection() as conn:
        row = await (await conn.execute(STORED_ORDER, (who.sub, key))).fetchone()
    return KnownOrder(id=row[0], status=row[1]) if row else None


async def publish(exchange: aio_pika.abc.AbstractExchange, order: PlacedOrder) -> None:
    """Return once the broker has confirmed the order."""
    message = aio_pika.Message(
        order.model_dump_json().encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=order.id.hex,
    )
    try:
        await exchange.publish(message, routing_key=QUEUE, mandatory=True, timeout=CONFIRM_SECONDS)
    except (aio_pika.exceptions.AMQPError, TimeoutError):
        raise Refused(503, "the broker did not confirm") from None


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready"}
