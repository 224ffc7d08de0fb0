"""From what a client sent to a complete placed order: whose, under which key, which recipes."""

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from shakerqueue.api.bar import refuse_while_closed
from shakerqueue.api.fields import MAX_KEY_LENGTH
from shakerqueue.api.guest_passes import guests_ticket
from shakerqueue.api.problems import FieldError, Problem
from shakerqueue.api.services import services
from shakerqueue.api.tokens import Principal
from shakerqueue.deadlines import Deadline
from shakerqueue.menu import can_be_ordered
from shakerqueue.messaging.messages import ItemPlaced, OrderPlaced
from shakerqueue.order_ids import fingerprint, order_id
from shakerqueue.queries.models import Recipe, UserRole


class Placement(NamedTuple):
    """What identifies an attempt to order: two attempts that are equal here are one order."""

    principal_id: UUID
    role: UserRole
    table: str | None  # the label of the table that a guest without an account sits at
    key: str
    key_is_the_clients: bool
    fingerprint: bytes


def placement_of(principal: Principal, client_key: str | None, body: Any) -> Placement:
    """The placement under the client's key, or under a new one where the client sent none.

    Raises:
        Problem: 422, the key is empty, too long or not printable.
    """
    if client_key is not None and not (0 < len(client_key) <= MAX_KEY_LENGTH and client_key.isprintable()):
        error = FieldError("Idempotency-Key", "invalid", f"1 to {MAX_KEY_LENGTH} printable characters.")
        raise Problem(422, error.detail, errors=[error])
    key = client_key or uuid4().hex
    return Placement(principal.id, principal.role, principal.table, key, client_key is not None, fingerprint(body))


def placed_order(placement: Placement, body: dict[str, Any], deadline: Deadline) -> OrderPlaced:
    """The order as it will travel.

    Raises:
        Problem: 409 while the bar is closed; 403 for a rush that is not theirs to ask for; 422, or 409 for sold
            out, naming each line.
    """
    refuse_while_closed(placement.role, deadline)
    if body["rush"] and placement.role is UserRole.CUSTOMER:
        raise Problem(403, "Only the bar can rush an order.", errors=[FieldError("rush", "forbidden", "Not yours.")])
    return OrderPlaced(
        id=order_id(
            services().order_id_secret.read(deadline), placement.principal_id, placement.key, placement.fingerprint
        ),
        principal_id=placement.principal_id,
        idempotency_key=placement.key,
        fingerprint=placement.fingerprint,
        placed_at=datetime.now(UTC),
        items=_items(body, deadline),
        ticket=_ticket(placement, body),
        external_id=body["external_id"],
        note=body["note"],
        rush=body["rush"],
    )


def _ticket(placement: Placement, body: dict[str, Any]) -> str | None:
    ticket: str | None = body["ticket"]
    return ticket if placement.table is None else guests_ticket(placement.table, body)


def _items(body: dict[str, Any], deadline: Deadline) -> tuple[ItemPlaced, ...]:
    """The lines with their recipes."""
    lines = body.get("items") or [{"recipe": body["recipe"], "quantity": 1, "note": None, "modifiers": []}]
    found = [services().menu.find(line["recipe"], deadline) for line in lines]
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
