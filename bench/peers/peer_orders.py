"""What the peers share: the orders that they take, the menu that they know and the tokens that they trust.

Settings come from the environment: JWT_SECRET, PEER_MENU (the path of our recipes), DATABASE_URL (ours).
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import jwt
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError, model_validator

JWT_SECRET = os.environ["JWT_SECRET"]
DATABASE_URL = os.environ["DATABASE_URL"]
CONFIRM_SECONDS = 1.5
STORED_ORDER = "SELECT id, status::text FROM orders WHERE principal_id = %s AND idempotency_key = %s"
MAX_DRINKS = 100


class Refused(Exception):
    """The request is answered with this status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


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


class KnownOrder(BaseModel):
    id: UUID
    status: str


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


def principal(token: str) -> AccessClaims:
    """Whom a bearer token names.

    Raises:
        Refused: 401.
    """
    try:
        claims = jwt.decode(
            token,
            JWT_SECRET,
            algorithms=["HS256"],
            issuer="shakerqueue",
            audience="shakerqueue-api",
            options={"require": ["exp"]},
        )
        return AccessClaims.model_validate(claims)
    except (jwt.InvalidTokenError, ValidationError) as error:
        raise Refused(401, str(error)) from None


def drinks(order: PlaceOrder) -> list[PlacedItem]:
    """One per drink, in the order of the lines.

    Raises:
        Refused: 422, it is not on the menu; 409, it is sold out.
    """
    placed = []
    for line in order.lines:
        recipe = MENU.get(line.recipe.lower())
        if recipe is None:
            raise Refused(422, f"there is no {line.recipe!r} on the menu")
        if not recipe.available or recipe.remaining == 0:
            raise Refused(409, f"{recipe.name} is sold out")
        item = PlacedItem(recipe_id=recipe.id, recipe=recipe.name, note=line.note, modifiers=line.modifiers)
        placed += [item] * line.quantity
    return placed


def place(order: PlaceOrder, who: AccessClaims, key: str | None) -> PlacedOrder:
    """The order as it will travel.

    Raises:
        Refused: 403, a rush is not theirs to ask for; and as `drinks`.
    """
    if order.rush and who.role == "customer":
        raise Refused(403, "only the bar can rush an order")
    return PlacedOrder(
        id=uuid4(),
        principal_id=who.sub,
        idempotency_key=key or uuid4().hex,
        placed_at=datetime.now(UTC),
        items=drinks(order),
        ticket=order.ticket,
        external_id=order.external_id,
        note=order.note,
        rush=order.rush,
    )


def queued(order: PlacedOrder) -> QueuedOrder:
    """What the answer says."""
    items = [Item(number=number, recipe=item.recipe) for number, item in enumerate(order.items, start=1)]
    return QueuedOrder(id=order.id, placed_at=order.placed_at, items=items)
