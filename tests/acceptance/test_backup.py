"""Back-up and restore as docs/operations.md shows them, word for word, while orders come in."""

import dataclasses
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from dev import state
from dev.postgres import DATABASE, PrivatePostgres
from tests.support.bar import Bar, free_port, sign_in
from tests.support.tours import part_settings, run_part
from tests.support.waiting import eventually
from tests.support.webhook_receiver import Received, Receiver, receiver

GUIDE = "docs/operations.md"
SECRETS = ("jwt_secret", "password_pepper")
PASSWORD = "of-the-restored-database"

Headers = dict[str, str]


class EmptyPostgres(PrivatePostgres):
    """A server on which nobody has made the product's role and database yet."""

    def _ensure_database(self, connection: psycopg.Connection) -> None:
        """Leave that to the guide."""


@pytest.fixture
def empty_server() -> Iterator[PrivatePostgres]:
    with state.temporary(in_memory=True) as folder, EmptyPostgres(folder, durable=False) as server:
        yield server


@pytest.fixture
def config(bar: Bar, tmp_path: Path) -> Path:
    """What the guide calls /etc/shakerqueue; the bar's processes read their secrets from it."""
    folder = tmp_path / "etc"
    (folder / "secrets").mkdir(parents=True)
    for name in SECRETS:
        (folder / "secrets" / name).write_text(getattr(bar.settings, name))
    bar.extra_environment |= secret_files(folder)
    return folder


def secret_files(config: Path) -> dict[str, str]:
    return {f"{name.upper()}_FILE": str(config / "secrets" / name) for name in SECRETS}


@dataclasses.dataclass
class Till:
    """A till that never stops ordering, each order under a key of its own, and remembers the ids."""

    client: httpx.Client
    headers: Headers
    ids: dict[str, str] = dataclasses.field(default_factory=dict)

    def place(self, key: str) -> httpx.Response:
        body = {"items": [{"recipe": "Negroni"}, {"recipe": "Mojito"}]}
        return self.client.post("/orders", json=body, headers={**self.headers, "Idempotency-Key": key})

    def place_new(self, key: str) -> str:
        answer = self.place(key)
        assert 202 == answer.status_code, answer.text
        self.ids[key] = str(answer.json()["id"])
        return self.ids[key]

    def status(self, order_id: str) -> str:
        return str(self.client.get(f"/orders/{order_id}", headers=self.headers).json().get("status"))

    def feed(self, after: int) -> dict[str, Any]:
        page: dict[str, Any] = self.client.get(f"/events?after={after}", headers=self.headers).json()
        return page


class Rush(threading.Thread):
    """The till's orders, one after the other, until it is left."""

    def __init__(self, till: Till) -> None:
        super().__init__()
        self._till = till
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        eventually(lambda: len(self._till.ids) > 10)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.is_set():
            self._till.place_new(f"rush-{len(self._till.ids)}")


def new_till(client: httpx.Client, admin: Headers) -> tuple[Till, str]:
    """A till with a key of an integration, and the key's id."""
    scopes = ["orders:write", "orders:read", "webhooks:write"]
    made = client.post("/api-keys", json={"integration": "till-1", "scopes": scopes}, headers=admin).json()
    return Till(client, {"Authorization": f"Bearer {made['key']}"}), str(made["id"])


def listen(till: Till, hooks: Receiver) -> None:
    made = till.client.post("/webhooks", json={"url": hooks.url, "types": ["order.placed"]}, headers=till.headers)
    assert 201 == made.status_code, made.text


def stored(bar: Bar) -> set[object]:
    return {id for (id,) in bar.query("SELECT id::text FROM orders")}


def incomplete(bar: Bar) -> list[tuple[object, ...]]:
    """Orders that lack a drink, or the event of their placing, or have one too many."""
    return bar.query(
        "SELECT id FROM orders WHERE"
        " (SELECT count(*) FROM order_items WHERE order_id = id) <> 2"
        " OR (SELECT count(*) FROM order_events AS e WHERE e.order_id = orders.id AND type = 'placed') <> 1"
    )


@dataclasses.dataclass
class Evening:
    """What was known to those who were there, when the server was lost."""

    till: Till
    guest: Headers
    accepted_before_dump: set[str]
    place_before_dump: int
    place_at_end: int
    on_their_way: list[Received]  # messages that were sent, and not answered yet while the dump was made
    left_in_queue: str


def spend_evening(bar: Bar, hooks: Receiver, back_up: Callable[[], object]) -> Evening:
    """Orders before, while and after the back-up is made; the last one stays in the queue."""
    with bar.api() as client, bar.process("webhooks"):
        with bar.process("consume"):
            admin, guest = sign_in(client, "admin@example.com"), sign_in(client)
            till, key_id = new_till(client, admin)
            listen(till, hooks)
            till.place_new("before the dump")
            eventually(lambda: 1 == len(hooks.received))
            place_before_dump = till.feed(0)["after"]
            hooks.hold = threading.Event()
            with Rush(till):
                eventually(lambda: len(hooks.received) > 1)
                on_their_way = hooks.received[1:]
                accepted = set(till.ids.values())
                eventually(lambda: accepted <= stored(bar))
                back_up()
            hooks.hold.set()
            hooks.hold = None
            after = till.place_new("after the dump")
            eventually(lambda: any(after == one.data["order_id"] for one in hooks.received), deadline_seconds=30)
            place_at_end = till.feed(place_before_dump)["after"]
            assert 204 == client.delete(f"/api-keys/{key_id}", headers=admin).status_code
        left_in_queue = Till(client, guest).place_new("in the queue")
    return Evening(till, guest, accepted, place_before_dump, place_at_end, on_their_way, left_in_queue)


def restore(bar: Bar, server: PrivatePostgres, backup: Path, folder: Path) -> Bar:
    """The bar on another server, from its back-up and with the queues that it had."""
    config = folder / "restored"
    config.mkdir()
    owner = urlsplit(server.url)
    url = owner._replace(netloc=f"{DATABASE}:{PASSWORD}@{owner.hostname}:{owner.port}").geturl()
    restored = dataclasses.replace(bar, database_url=url, folder=config, extra_environment=secret_files(config))
    files = {"BACKUP": backup, "CONFIG": config}
    run_part(GUIDE, "server", part_settings(server, server.admin_url, NEW_PASSWORD=PASSWORD))
    run_part(GUIDE, "restore", part_settings(server, url, **restored.environment(free_port()), **files))
    return restored


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_bar_is_restored_from_a_dump_that_was_made_while_orders_came_in(
    postgres: PrivatePostgres, bar: Bar, config: Path, empty_server: PrivatePostgres, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    dumping = part_settings(postgres, bar.database_url, BACKUP=backup, CONFIG=config)
    with receiver() as hooks:
        evening = spend_evening(bar, hooks, lambda: run_part(GUIDE, "dump", dumping))
        told_before = len(hooks.received)
        restored = restore(bar, empty_server, backup, tmp_path)

        assert evening.accepted_before_dump <= stored(restored)
        assert set(evening.till.ids.values()) > stored(restored), "the dump was made in the middle"
        assert [] == incomplete(restored)

        with restored.api() as client, restored.process("consume"), restored.process("webhooks"):
            till = dataclasses.replace(evening.till, client=client)
            check_signing_in(client, evening)
            check_what_the_queue_had(client, evening)
            check_the_feed(till, evening)
            check_that_repeats_are_the_same_orders(till, restored)
            check_the_feed(till, evening)  # the log is as long as it was
            told_again = {sent.id for sent in evening.on_their_way}
            eventually(lambda: told_again <= {one.id for one in hooks.received[told_before:]}, deadline_seconds=20)


def check_signing_in(client: httpx.Client, evening: Evening) -> None:
    """Passwords are good, so the pepper is the old one; nobody is signed in any more."""
    sign_in(client)
    assert 401 == client.get("/me", headers=evening.guest).status_code
    assert 200 == client.get("/me", headers=evening.till.headers).status_code, "a key that was revoked after the dump"


def check_what_the_queue_had(client: httpx.Client, evening: Evening) -> None:
    guest = Till(client, sign_in(client))
    eventually(lambda: "pending" == guest.status(evening.left_in_queue))


def check_the_feed(till: Till, evening: Evening) -> None:
    """New events are there already, with numbers far behind all that were given before."""
    assert evening.place_before_dump < evening.place_at_end
    assert (True, []) == (till.feed(evening.place_at_end)["reset"], till.feed(evening.place_at_end)["events"])
    page = till.feed(evening.place_before_dump)
    assert not page["reset"]
    assert page["events"], "what the till had not read yet"


def check_that_repeats_are_the_same_orders(till: Till, restored: Bar) -> None:
    """A till that sends the whole evening again: what was lost comes back under its id, and nothing comes twice."""
    before = dict(till.ids)
    lost = set(before.values()) - stored(restored)
    assert {"queued"} == {till.status(order_id) for order_id in lost}
    for key in before:
        till.place_new(key)
    assert before == till.ids
    eventually(lambda: set(before.values()) <= stored(restored))
