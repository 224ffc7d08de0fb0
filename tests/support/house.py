"""A bar with its API and its consumer running, for tests that look at it through a browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from dev import product
from dev.ports import LOOPBACK
from dev.product import ProductServer
from dev.run import Api
from tests.support.bar import DEMO_PASSWORD, Bar, await_workers, free_port, sign_in
from tests.support.waiting import eventually

ADMIN = "admin@example.com"
BARTENDER = "bartender@example.com"
GUEST = "user@example.com"

# The stream of a page that was closed ends with its next heartbeat, so those of the tests before go on for a while.
PAGES = "64"
# Enough connections that each worker answers some of them.
SOUNDINGS = 20
REMEMBER = """
    CREATE SCHEMA untouched;
    CREATE TABLE untouched.recipes AS TABLE recipes;
    CREATE TABLE untouched.users AS TABLE users
"""
# The events' own numbers go on, so no process takes the log for one that was restored from a backup.
FORGET = """
    DELETE FROM order_events;
    DELETE FROM order_items;
    DELETE FROM orders;
    DELETE FROM recipes WHERE id IN (SELECT id FROM (TABLE recipes EXCEPT TABLE untouched.recipes) AS touched);
    INSERT INTO recipes (TABLE untouched.recipes EXCEPT TABLE recipes);
    DELETE FROM sessions WHERE user_id NOT IN (SELECT id FROM untouched.users);
    DELETE FROM users WHERE id NOT IN (SELECT id FROM untouched.users);
    DELETE FROM tables;
    DELETE FROM failed_attempts;
    UPDATE bar SET accepting = DEFAULT, reason = DEFAULT, closes_at = DEFAULT, reopens_at = DEFAULT
"""


class House:
    """The real processes of one bar. The API keeps its port when it is started again."""

    def __init__(self, bar: Bar) -> None:
        port = free_port()
        settings = bar.environment(port) | {"STREAMS": PAGES}
        self.bar = bar
        self.api = Api(LOOPBACK, port, state_folder=bar.folder, settings=settings)
        self._consumer = ProductServer("Consumer", product.CONSUME, state_folder=bar.folder, settings=settings)
        self._client = httpx.Client(base_url=self.url)

    def __enter__(self) -> Self:
        try:
            self._consumer.start()
            self.start_api()
            self.bar.change(REMEMBER)
            self._menu = self._menus()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.api.stop()
        self._consumer.stop()

    @property
    def url(self) -> str:
        """Where the API and the pages are, without a slash at the end."""
        return self.api.url

    def start_api(self) -> None:
        """Start the API and wait until all its workers are ready."""
        self.api.start()
        await_workers(self._client, self.api.log_path)

    @contextmanager
    def api_killed(self) -> Iterator[None]:
        """The API is killed, as by a power cut; afterwards it runs again, on the same port."""
        self.api.kill()
        try:
            yield
        finally:
            self.start_api()

    def reset(self) -> None:
        """As on the first evening: no orders, the seeded menu, an open bar, nobody new.

        What was changed of the demo users themselves stays.
        """
        self.bar.change(FORGET)
        eventually(lambda: self._menu == self._menus() and {True} == self._soundings("/bar", "accepting"))

    def request(self, method: str, path: str, body: Any = None, *, as_user: str = BARTENDER) -> Any:
        """What the API answers one of the users, as JSON; None if that is empty.

        Raises:
            AssertionError: the request was refused.
        """
        headers = sign_in(self._client, as_user)
        answer = self._client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None, *, as_user: str = BARTENDER) -> Any:
        """`request` with POST."""
        return self.request("POST", path, body, as_user=as_user)

    def place(self, *drinks: str | dict[str, Any], as_user: str = GUEST, **fields: Any) -> str:
        """Order drinks, by name or as items of the body, and wait until they are stored; the order's id."""
        items = [{"recipe": drink} if isinstance(drink, str) else drink for drink in drinks]
        placed = self.post("/orders", {"items": items, **fields}, as_user=as_user)
        path = f"/orders/{placed['id']}"
        eventually(lambda: self.request("GET", path, as_user=as_user)["status"] != "queued")
        return str(placed["id"])

    def hire(self, username: str) -> str:
        """Make somebody a bartender; their address. The password is that of the demo users."""
        email = f"{username}@example.com"
        account = {"username": username, "email": email, "password": DEMO_PASSWORD}
        user = self.post("/register", account, as_user=ADMIN)["user"]
        self.request("PATCH", f"/users/{user['id']}", {"role": "employee"}, as_user=ADMIN)
        return email

    def take_off_the_menu(self, recipe: str) -> None:
        """86 a drink, and wait until every worker knows."""
        self.change_recipe(recipe, {"available": False})
        eventually(lambda: all(recipe not in names(answer) for answer in self._answers("/menu")))

    def change_recipe(self, recipe: str, change: dict[str, Any]) -> None:
        """Change a drink by its name, as `PATCH /recipes/{id}` takes it."""
        [id] = [it["id"] for it in self.request("GET", "/recipes?limit=200")["recipes"] if it["name"] == recipe]
        self.request("PATCH", f"/recipes/{id}", change)

    def _menus(self) -> set[str]:
        """The tags of the menus that the workers have: one, unless they differ."""
        return {answer.headers["ETag"] for answer in self._answers("/menu")}

    def _soundings(self, path: str, name: str) -> set[Any]:
        """All the values that the workers give to one field."""
        return {answer.json()[name] for answer in self._answers(path)}

    def _answers(self, path: str) -> list[httpx.Response]:
        return [self._client.get(path, headers={"Connection": "close"}) for _ in range(SOUNDINGS)]


def names(menu: httpx.Response) -> set[str]:
    """The drinks of a menu."""
    return {recipe["name"] for recipe in menu.json()["recipes"]}
