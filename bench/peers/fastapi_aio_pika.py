"""The peer on FastAPI and aio-pika: `POST /orders` as its authors' documentation would have it written.

A connection in the lifespan, made by `connect_robust`; one channel with publisher confirms, shared by all
requests; pydantic models for what comes in and goes out; PyJWT for the token. It refuses what ShakerQueue
refuses, and answers 202 once the broker has confirmed a persistent, mandatory message.

Settings come from the environment: AMQP_URL, PEER_EXCHANGE and PEER_QUEUE (both declared by the benchmark, with
the arguments of our own), JWT_SECRET, PEER_MENU (the path of our recipes).
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import aio_pika
import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response, status
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError, model_validator

AMQP_URL = os.environ["AMQP_URL"]
EXCHANGE = os.environ["PEER_EXCHANGE"]
QUEUE = os.environ["PEER_QUEUE"]
JWT_SECRET = os.environ["JWT_SECRET"]
CONFIRM_SECONDS = 1.5
MAX_DRINKS = 100


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Line(StrictModel):
    recipe: str = Field(min_length=1, max_length=100)
    quantity: StrictInt = Field(default=1, ge=1, le=MAX_DRINKS)
    note: str | None = Field(default=None, min_length=1, max_length=500)
    modifiers: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(default=[], max_length=20)


class PlaceOrder(StrictModel):
    recipe: str | None = Field(default=None, min_length=1, max_length=100)
    items: list[Line] | None = Field(default=None, min_length=1, max_length=MAX_DRINKS)
    ticket: str | None = Field(default=None, min_length=1, max_length=64)
    external_id: str | None = Field(default=None, min_length=1, max_length=255)
    note: str | None = Field(default=None, min_length=1, max_length=500)
    rush: StrictBool = False

    @model_validator(mode="after")
    def one_way_to_name_the_drinks(self) -> Self:
        if (self.recipe is None) == (self.items is None):
            raise ValueError("give either recipe or items")
        if sum(line.quantity for line in self.items or ()) > MAX_DRINKS:
            raise ValueError(f"at most {MAX_DRINKS} drinks in one order")
        return self

    @property
    def lines(self) -> list[Line]:
        return self.items or [Line(recipe=self.recipe)]


class Item(BaseModel):
    number: int
    recipe: str


class QueuedOrder(BaseModel):
    id: UUID
    status: str = "queued"
    placed_at: datetime
    items: list[Item]


class Recipe(BaseModel):
    name: str
    available: bool = True
    remaining: int | None = None

    @property
    def id(self) -> UUID:
        return uuid5(NAMESPACE_URL, self.name)


class PlacedItem(BaseModel):
    recipe_id: UUID
    recipe: str
    note: str | None = None
    modifiers: list[str] = []


class PlacedOrder(BaseModel):
    """What travels through the queue, one order a message."""

    id: UUID
    principal_id: UUID
    idempotency_key: str
    placed_at: datetime
    items: list[PlacedItem]
    ticket: str | None = None
    external_id: str | None = None
    note: str | None = None
    rush: bool = False


class AccessClaims(BaseModel):
    """What a token must say beside what PyJWT checks."""

    sub: UUID
    role: Literal["customer", "employee", "admin", "integration"]
    type: Literal["access"]


MENU = {
    entry["name"].lower(): Recipe(**entry) for entry in json.loads(Path(os.environ["PEER_MENU"]).read_text("utf-8"))
}
bearer = HTTPBearer()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    connection = await aio_pika.connect_robust(AMQP_URL)
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        app.state.exchange = await channel.get_exchange(EXCHANGE)
        yield


app = FastAPI(lifespan=lifespan)


async def principal(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> AccessClaims:
    try:
        claims = jwt.decode(
            credentials.credentials,
            JWT_SECRET,
            algorithms=["HS256"],
            issuer="shakerqueue",
            audience="shakerqueue-api",
            options={"require": ["exp"]},
        )
        return AccessClaims.model_validate(claims)
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, str(error)) from None


def drinks(order: PlaceOrder) -> list[PlacedItem]:
    """One per drink, in the order of the lines."""
    placed = []
    for line in order.lines:
        recipe = MENU.get(line.recipe.lower())
        if recipe is None:
            raise HTTPException(422, f"there is no {line.recipe!r} on the menu")
        if not recipe.available or recipe.remaining == 0:
            raise HTTPException(status.HTTP_409_CONFLICT, f"{recipe.name} is sold out")
        item = PlacedItem(recipe_id=recipe.id, recipe=recipe.name, note=line.note, modifiers=line.modifiers)
        placed += [item] * line.quantity
    return placed


@app.post("/orders", status_code=status.HTTP_202_ACCEPTED)
async def place_order(
    order: PlaceOrder,
    who: Annotated[AccessClaims, Depends(principal)],
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
) -> QueuedOrder:
    if order.rush and who.role == "customer":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "only the bar can rush an order")
    placed = PlacedOrder(
        id=uuid4(),
        principal_id=who.sub,
        idempotency_key=idempotency_key or uuid4().hex,
        placed_at=datetime.now(UTC),
        items=drinks(order),
        ticket=order.ticket,
        external_id=order.external_id,
        note=order.note,
        rush=order.rush,
    )
    await publish(request.app.state.exchange, placed)
    response.headers["Location"] = f"/orders/{placed.id}"
    items = [Item(number=number, recipe=item.recipe) for number, item in enumerate(placed.items, start=1)]
    return QueuedOrder(id=placed.id, placed_at=placed.placed_at, items=items)


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
        raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "1"}) from None


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    return {"status": "ready"}
