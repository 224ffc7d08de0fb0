"""`make rush` against the real product: a whole evening in seconds, with nothing unexpected and nothing lost."""

import asyncio

import httpx
import pytest

from dev.rush.night import Night
from dev.rush.settings import Settings
from tests.support.bar import Bar, sign_in

REAL_SECONDS = 10
EVENING_SECONDS = 6 * 3600.0
SETTINGS = Settings(
    speed=EVENING_SECONDS / REAL_SECONDS, evening_seconds=EVENING_SECONDS, guests_per_hour=40, bartenders=3
)
FEWEST_ORDERS = 60


@pytest.mark.timeout(90)
def test_an_evening_ends_with_every_order_found_once(bar: Bar, capsys: pytest.CaptureFixture[str]) -> None:
    with bar.api() as api, bar.process("consume"):
        night = Night(SETTINGS, str(api.base_url))
        told = asyncio.run(night.run())
        said = capsys.readouterr().out
        assert [] == left_behind(api)
    assert 0 == told, said
    assert "completed" in {happening.kind for happening in night._tally.happenings}
    [(orders,)] = bar.query("SELECT count(*)::int FROM orders")
    assert isinstance(orders, int)
    assert FEWEST_ORDERS < orders
    assert f"{orders} of {orders}" in said
    for figure in ("orders, batch of the till", "orders, guest by a table's link", "orders, guest with an account"):
        assert figure in said
    assert [("employee", 3)] == bar.query(
        "SELECT role::text, count(*)::int FROM users WHERE disabled_at IS NOT NULL GROUP BY role"
    )


def left_behind(api: httpx.Client) -> list[object]:
    """What should have been put back: keys, drinks off the menu, open drinks."""
    admin = sign_in(api, "admin@example.com")
    queue = api.get("/queue", headers=admin).json()
    return [*api.get("/api-keys", headers=admin).json()["api_keys"], *queue["sold_out"], *queue["items"]]
