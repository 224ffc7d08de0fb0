"""From what a client sent to a complete placed order: whose, under which key, which recipes."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from shakerqueue.api.bar import refuse_while_closed
from shakerqueue.api.guest_passes import guests_ticket
from shakerqueue.api.principals import Principal
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.services import services
from shakerqueue.deadlines import Deadline
from shakerqueue.key_look_ups import ClientKey
from shakerqueue.menu import MenuReading, can_be_ordered
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from shakerqueue.order_ids import fingerprint, order_id
from shakerqueue.queries.models import Recipe, UserRole
from shakerqueue.random_names import random_name
from shakerqueue.telemetry import tracing

Body = dict[str, Any]  # what is asked for, checked: as PlaceOrderSchema loads it


class Placement(NamedTuple):
    """What identifies an attempt to order: two attempts that are equal here are one order."""

    principal_id: UUID
    role: UserRole
    table: str | None  # the label of the table that a guest without an account sits at
    key: str
    key_is_the_clients: bool
    fingerprint: bytes

    @property
    def client_key(self) -> ClientKey:
        """The key as it is looked up: a placement under it may be another order."""
        return ClientKey(self.principal_id, self.key)


class Terms(NamedTuple):
    """What the orders of one request are judged by and made with."""

    menu: MenuReading
    id_secret: bytes


def placement_of(principal: Principal, client_key: str | None, body: Any) -> Placement:
    """The placement of this JSON under the client's key, or under a new one where the client sent none."""
    key = client_key or random_name()
    return Placement(principal.id, principal.role, principal.table, key, client_key is not None, fingerprint(body))


def terms_for(role: UserRole, bodies: Iterable[Body], deadline: Deadline) -> Terms:
    """The terms for these orders.

    Raises:
        Problem: 409 while the bar is closed.
        Unavailable: what any order needs was never read yet, and the database is away.
    """
    refuse_while_closed(role, deadline)
    names = [line["recipe"] for body in bodies for line in _lines(body)]
    return Terms(services().menu.reading(names, deadline), services().order_id_secret.read(deadline))


def placed_order(placement: Placement, body: Body, terms: Terms) -> OrderPlaced:
    """The order as it will travel.

    Raises:
        Problem: 403 for a rush that is not theirs to ask for; 422, or 409 for sold out, naming each line.
        Unavailable: nobody can know whether there is such a recipe.
    """
    if body["rush"] and placement.role is UserRole.CUSTOMER:
        raise Problem(403, "Only the bar can rush an order.", errors=[FieldError("rush", "forbidden", "Not yours.")])
    return OrderPlaced(
        id=order_id(terms.id_secret, placement.principal_id, placement.key, placement.fingerprint),
        principal_id=placement.principal_id,
        idempotency_key=placement.key,
        fingerprint=placement.fingerprint,
        placed_at=datetime.now(UTC),
        items=_items(body, terms.menu),
        ticket=_ticket(placement, body),
        external_id=body["external_id"],
        note=body["note"],
        rush=body["rush"],
        traceparent=tracing.traceparent(),
    )


def _ticket(placement: Placement, body: Body) -> str | None:
    ticket: str | None = body["ticket"]
    return ticket if placement.table is None else guests_ticket(placement.table, body)


def _lines(body: Body) -> list[dict[str, Any]]:
    return body.get("items") or [{"recipe": body["recipe"], "quantity": 1, "note": None, "modifiers": []}]


def _items(body: Body, menu: MenuReading) -> tuple[ItemPlaced, ...]:
    """The lines with their recipes."""
    lines = _lines(body)
    found = [menu.find(line["recipe"]) for line in lines]
    _refuse_unknown(lines, found, single="recipe" in body)
    _refuse_sold_out(lines, found, single="recipe" in body)
    return tuple(_item(line, recipe) for line, recipe in zip(lines, found, strict=True))


def _item(line: dict[str, Any], recipe: Recipe | None) -> ItemPlaced:
    assert recipe is not None  # noqa: S101 - unknown recipes were refused before
    return ItemPlaced(
        recipe_id=recipe.id,
        recipe=recipe.name,
        quantity=line["quantity"],
        note=line["note"],
        modifiers=tuple(line["modifiers"]),
    )


def _refuse_unknown(lines: list[dict[str, Any]], found: list[Recipe | None], *, single: bool) -> None:
    errors = [
        FieldError(_field(index, single=single), "unknown_recipe", f"There is no {line['recipe']!r} on the menu.")
        for index, (line, recipe) in enumerate(zip(lines, found, strict=True))
        if recipe is None
    ]
    if errors:
        raise Problem(422, errors[0].detail, code="unknown_recipe", errors=errors)


def _refuse_sold_out(lines: list[dict[str, Any]], found: list[Recipe | None], *, single: bool) -> None:
    errors = [
        FieldError(_field(index, single=single), "sold_out", f"{line['recipe']} is sold out.")
        for index, (line, recipe) in enumerate(zip(lines, found, strict=True))
        if recipe is not None and not can_be_ordered(recipe)
    ]
    if errors:
        raise Problem(409, errors[0].detail, code="sold_out", errors=errors)


def _field(index: int, *, single: bool) -> str:
    return "recipe" if single else f"items.{index}.recipe"
