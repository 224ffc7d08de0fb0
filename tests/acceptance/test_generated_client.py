"""A client that a public generator makes of the document, against the real processes: nothing in it is ours."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dev.openapi import FILE, operations
from tests.support.bar import DEMO_PASSWORD, Bar
from tests.support.waiting import eventually

PACKAGE = "bar_client"
KEY = {"idempotency_key": "till-3/0412"}
# No formatter runs over it; and a picture, of which the generator knows nothing, comes as a file.
CONFIGURATION = {"post_hooks": [], "content_type_overrides": {"image/svg+xml": "application/octet-stream"}}


class GeneratedClient:
    """The modules of the generated package, by their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, module: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{module}")

    @property
    def operation_ids(self) -> set[str]:
        return {path.stem for path in self.folder.glob("api/*/*.py")} - {"__init__"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Generated without a warning: the generator leaves out what it does not understand."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "configuration.json").write_text(json.dumps(CONFIGURATION))
    subprocess.run(
        [
            *(Path(sys.executable).with_name("openapi-python-client"), "generate", "--fail-on-warning"),
            *("--path", FILE, "--config", folder / "configuration.json"),
            *("--meta", "none", "--output-path", folder / PACKAGE),
        ],
        check=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield GeneratedClient(folder / PACKAGE)


def test_every_operation_is_in_it(generated: GeneratedClient) -> None:
    document = json.loads(FILE.read_text())
    assert {operation["operationId"] for operation in operations(document).values()} == generated.operation_ids


def test_it_places_an_order_and_follows_it(generated: GeneratedClient, bar: Bar) -> None:
    models = generated("models")
    place, look = generated("api.orders.place_order"), generated("api.orders.get_order")
    follow = generated("api.events.follow_events")
    order = {"body": models.PlaceOrder(items=[models.OrderLine(recipe="Margarita", quantity=2)], ticket="T7"), **KEY}

    with bar.api() as api, signed_in(generated, str(api.base_url)) as guest:
        placed = place.sync(client=guest, **order)
        again = place.sync(client=guest, **order)
        unstored = look.sync(placed.id, client=guest)
        with bar.process("consume"):
            stored = eventually(lambda: as_stored(models, look.sync(placed.id, client=guest, wait=2)))
        replayed = place.sync_detailed(client=guest, **order)
        page = follow.sync(client=guest, after=0)
        another = place.sync(client=guest, body=models.PlaceOrder(recipe="Negroni"), **KEY)

    assert ["QueuedOrder", "QueuedOrder", "UnstoredOrder"] == [type(it).__name__ for it in (placed, again, unstored)]
    assert ("pending", "T7", ["Margarita"] * 2) == (stored.status, stored.ticket, [it.recipe for it in stored.items])
    assert (202, "true") == (replayed.status_code, replayed.headers["Idempotent-Replayed"])
    assert {placed.id} == {it.id for it in (again, unstored, stored, replayed.parsed)}
    assert [("placed", placed.id)] == [(event.type_, event.order_id) for event in page.events]
    assert ("idempotency_conflict", "Idempotency-Key") == (another.code, another.errors[0].field)


@contextmanager
def signed_in(generated: GeneratedClient, url: str) -> Iterator[Any]:
    """A client that acts for the demo guest."""
    client, login = generated("client"), generated("api.auth.login")
    credentials = generated("models").Login(email="user@example.com", password=DEMO_PASSWORD)
    with client.Client(base_url=url.rstrip("/")) as anyone:
        token = login.sync(client=anyone, body=credentials).token
    with client.AuthenticatedClient(base_url=url.rstrip("/"), token=token) as guest:
        yield guest


def as_stored(models: Any, order: Any) -> Any:
    """The order, once it is more than accepted."""
    return order if isinstance(order, models.Order) else None
