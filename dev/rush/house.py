"""The house on this night: who works, who comes in by which door. All of it set up, and undone, over public routes."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from dev.rush.callers import Caller, Person, Product, Program, Refused, TableGuest
from dev.rush.evening import TABLES
from dev.state import CLONE

DEMO_USERS = CLONE / "seed" / "data" / "users.json"
BARTENDERS = ("ada", "ben", "cleo", "dario", "eve", "finn", "greta", "hugo")
KEY_LIFE = timedelta(days=1)  # it is revoked at the end; this is for a night that is cut off


class Drink(NamedTuple):
    """A drink on the menu."""

    name: str
    prep_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everybody, signed in."""

    visitor: Caller
    manager: Person
    waiter: Person
    guest: Person
    bartenders: tuple[Person, ...]
    table_guests: tuple[TableGuest, ...]  # of the tables 1, 2, …
    till: Program
    menu: tuple[Drink, ...]

    def name_of(self, user_id: str | None) -> str:
        """What one of the staff is called; others are guests."""
        staff = (self.manager, self.waiter, *self.bartenders)
        return next((person.username for person in staff if person.id == user_id), "a guest")


@asynccontextmanager
async def open_house(product: Product, bartenders: int) -> AsyncIterator[House]:
    """Everything a night needs. Afterwards the key is revoked, and who was hired has no account that works.

    Raises:
        Refused: it cannot be had, as where there are no demo users.
    """
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(product.client())
        visitor = Caller(product, client)
        accounts = demo_accounts()
        manager, waiter, guest = (
            Person(product, client, *accounts[role]) for role in ("admin", "employee", "customer")
        )
        for person in (manager, waiter, guest):
            await person.sign_in()
        await manager.need("PATCH", "/bar", body={"accepting": True})
        key = await _issue_key(manager, product.tally.mark)
        stack.push_async_callback(manager.ask, "DELETE", f"/api-keys/{key['id']}", expect=("204",))
        hired = [Person(product, client, *account) for account in await _hire(visitor, manager, bartenders, stack)]
        for person in hired:
            await person.sign_in()
        yield House(
            visitor=visitor,
            manager=manager,
            waiter=waiter,
            guest=guest,
            bartenders=tuple(hired),
            table_guests=await _seat(product, waiter, stack),
            till=Program(product, client, key["key"]),
            menu=await _menu(visitor),
        )


def demo_accounts() -> dict[str, tuple[str, str]]:
    """Address and password of the demo users, by role."""
    return {user["role"]: (user["email"], user["password"]) for user in json.loads(DEMO_USERS.read_text())}


async def _issue_key(manager: Person, mark: str) -> Any:
    """A key for a till that is new tonight: a name of an integration is good once."""
    body = {
        "integration": f"till of {mark}",
        "scopes": ["orders:write", "orders:read"],
        "expires_at": (datetime.now(UTC) + KEY_LIFE).isoformat(),
    }
    return await manager.need("POST", "/api-keys", body=body, expect=("201",))


async def _hire(visitor: Caller, manager: Person, count: int, stack: AsyncExitStack) -> list[tuple[str, str]]:
    """Addresses and passwords of that many bartenders, whose accounts work until the house closes."""
    known = {user["email"]: user["id"] for user in await manager.every("/users", "users", {"role": "employee"})}
    _, password = demo_accounts()["employee"]
    accounts = []
    for name in BARTENDERS[:count]:
        email = f"{name}@rush.example"
        user_id = known.get(email) or await _register(visitor, name, email, password)
        rights = {"role": "employee", "disabled": False}
        await manager.need("PATCH", f"/users/{user_id}", body=rights)
        stack.push_async_callback(manager.ask, "PATCH", f"/users/{user_id}", body={"disabled": True})
        accounts.append((email, password))
    return accounts


async def _register(visitor: Caller, name: str, email: str, password: str) -> Any:
    body = {"username": name, "email": email, "password": password}
    return (await visitor.need("POST", "/register", body=body, expect=("201",)))["user"]["id"]


async def _seat(product: Product, waiter: Person, stack: AsyncExitStack) -> tuple[TableGuest, ...]:
    """A guest at each table, who came by its link. Tables that are missing are made, and stay."""
    labels = [str(number) for number in range(1, TABLES + 1)]
    said = await waiter.need("POST", "/tables", body={"labels": labels})
    links = {table["label"]: table["link"] for table in said["tables"]}
    return tuple([await _scan(product, links[label], stack) for label in labels])


async def _scan(product: Product, link: str, stack: AsyncExitStack) -> TableGuest:
    guest = TableGuest(product, await stack.enter_async_context(product.client()))
    await guest.scan(link)
    return guest


async def _menu(visitor: Caller) -> tuple[Drink, ...]:
    menu = await visitor.need("GET", "/menu")
    if not menu["recipes"]:
        raise Refused("there is nothing on the menu")
    return tuple(Drink(recipe["name"], recipe["prep_seconds"]) for recipe in menu["recipes"])
