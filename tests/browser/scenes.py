"""Moments of an evening that pictures are taken of. Each is played through the API in a fresh house."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from dev.product import SEED, run_once
from tests.support.house import BARTENDER, GUEST, House

PAST_ORDERS = 20_000
COLLEAGUE = "noor@example.com"


def line(recipe: str, quantity: int = 1, *modifiers: str, note: str | None = None) -> dict[str, Any]:
    """One line of an order."""
    return {"recipe": recipe, "quantity": quantity, "modifiers": modifiers, "note": note}


@dataclass(frozen=True, slots=True)
class Ticket:
    """An order, and how long ago it was placed."""

    name: str
    seconds_ago: int
    lines: tuple[dict[str, Any], ...]
    rush: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Who began a drink how long ago."""

    ticket: str
    number: int
    seconds_ago: int
    bartender: str


TICKETS = (
    Ticket("T4", 565, (line("Ramos Gin Fizz", note="a birthday: as high as it goes"), line("Aperol Spritz"))),
    Ticket("T11", 325, (line("Negroni", 2), line("Manhattan"))),
    Ticket("B2", 310, (line("Whiskey Sour", 1, "no egg", note="egg allergy"), line("Old Fashioned", 1, "rye"))),
    Ticket("T7", 290, (line("Margarita", 3, "no salt"),)),
    Ticket("T9", 280, (line("Long Island Iced Tea", 4),)),
    Ticket("T2", 255, (line("Mojito", 2), line("Caipirinha"))),
    Ticket("B5", 210, (line("Espresso Martini", 2), line("White Russian", 1, "oat milk"))),
    Ticket("T14", 165, (line("Daiquiri"), line("Cosmopolitan", 2))),
    Ticket("B1", 120, (line("Margarita", 1, "double", "on the rocks"),)),
    Ticket("T6", 80, (line("Gin Fizz"), line("Paloma", 2, note="one of them without ice"))),
    Ticket("T12", 30, (line("Piña Colada", note="two straws"), line("Penicillin"))),
    Ticket("T1", 15, (line("Champagne Cocktail", 2),), rush=True),
)
STARTS = (
    Start("T4", 1, 150, BARTENDER),
    Start("T11", 1, 40, COLLEAGUE),
    Start("T11", 2, 40, COLLEAGUE),
    Start("T1", 1, 5, BARTENDER),
)


def busy_moment(house: House) -> datetime:
    """Twelve tickets, two bartenders at work, a late drink, a canceled order, a drink off the menu; when that is."""
    house.hire("noor")
    orders = {
        ticket.name: house.place(
            *ticket.lines, ticket=ticket.name, rush=ticket.rush, as_user=BARTENDER if ticket.rush else GUEST
        )
        for ticket in TICKETS
    }
    house.post(f"/orders/{orders['T4']}/items/2/complete")
    house.post(f"/orders/{orders['B2']}/items/2/complete", as_user=COLLEAGUE)
    house.post(f"/orders/{orders['T9']}/cancel", {"reason": "They left."}, as_user=GUEST)
    for start in STARTS:
        house.post(f"/orders/{orders[start.ticket]}/items/{start.number}/start", as_user=start.bartender)
    house.take_off_the_menu("Aperol Spritz")
    now = datetime.now(UTC)
    backdate(house, orders, now)
    return now


def after_a_year(house: House) -> datetime:
    """The busy moment, and a year of evenings before it; when that is."""
    now = busy_moment(house)
    settings = house.bar.environment(house.api.port)
    run_once("seed", [*SEED, "--orders", str(PAST_ORDERS)], state_folder=house.bar.folder, settings=settings)
    return now


def round_at_a_table(house: House) -> datetime:
    """A guest's round of which one drink is ready and one in the making; when that is."""
    order = house.place(
        line("Negroni", 2, note="one without ice"), line("Paloma"), line("Espresso Martini"), ticket="Terrace 4"
    )
    house.place(line("Margarita", 2), as_user=BARTENDER)
    house.post(f"/orders/{order}/items/3/complete")
    house.post(f"/orders/{order}/items/4/start")
    return datetime.now(UTC)


def backdate(house: House, orders: dict[str, str], now: datetime) -> None:
    """Have the orders placed and the drinks started as long ago as the scene says; the deadlines move along."""
    placed = [(now - timedelta(seconds=it.seconds_ago), orders[it.name]) for it in TICKETS]
    started = [(now - timedelta(seconds=it.seconds_ago), orders[it.ticket], it.number) for it in STARTS]
    with psycopg.connect(house.bar.database_url) as conn, conn.cursor() as cursor:
        cursor.executemany(
            "UPDATE order_items SET due_at = due_at + (%s - placed_at) FROM orders WHERE id = order_id AND id = %s",
            placed,
        )
        cursor.executemany("UPDATE orders SET placed_at = %s WHERE id = %s", placed)
        cursor.executemany("UPDATE order_items SET started_at = %s WHERE order_id = %s AND number = %s", started)
