"""A batch whose answer is lost is sent once more: its hundred orders exist, and no more."""

from pathlib import Path

import httpx
import pytest

from shakerqueue.failpoints import Failpoint
from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually

ORDERS = [{"idempotency_key": f"offline-{number}", "recipe": "Margarita"} for number in range(100)]


@pytest.fixture
def failpoints(bar: Bar, tmp_path: Path) -> Path:
    folder = tmp_path / "failpoints"
    folder.mkdir()
    bar.extra_environment["FAILPOINTS_DIR"] = str(folder)
    return folder


@pytest.mark.parametrize("point", [Failpoint.PUBLISH, Failpoint.CONFIRM, Failpoint.REPLY])
def test_a_batch_whose_answer_was_lost_is_repeated_and_exists_once(
    bar: Bar, failpoints: Path, point: Failpoint
) -> None:
    """The worker that has the batch is killed; the other one answers the repeat."""
    with bar.api() as api, bar.process("consume"):
        headers = sign_in(api, "bartender@example.com")
        (failpoints / point).write_text("kill")
        with pytest.raises(httpx.TransportError):
            api.post("/orders/batch", json={"orders": ORDERS}, headers=headers)
        assert [] == list(failpoints.iterdir())

        ids = eventually(lambda: sent_again(api, headers))
        eventually(lambda: bar.query("SELECT FROM orders"))
        eventually(lambda: 0 == bar.queue_length(bar.topology.orders_queue))
        assert ids == sent_again(api, headers)
    assert set(ids) == {str(row[0]) for row in bar.query("SELECT id FROM orders")}
    assert [(len(ORDERS),)] == bar.query("SELECT count(*) FROM order_events WHERE type = 'placed'")


def sent_again(api: httpx.Client, headers: dict[str, str]) -> list[str]:
    """The ids of the orders, all of them accepted; none while nobody answers."""
    try:
        answer = api.post("/orders/batch", json={"orders": ORDERS}, headers=headers)
    except httpx.TransportError:
        return []
    assert 200 == answer.status_code, answer.text
    outcomes = answer.json()["orders"]
    assert [202] * len(ORDERS) == [outcome["status"] for outcome in outcomes]
    return [outcome["order"]["id"] for outcome in outcomes]


def test_whoever_may_not_gets_an_answer_though_the_body_is_not_read(bar: Bar) -> None:
    """Over a real socket, with a body of a known and of an unknown length."""
    too_much = b" " * (2 * 1024 * 1024)
    with bar.api() as api:
        staff = sign_in(api, "bartender@example.com")
        for who, status in (({}, 401), (sign_in(api), 403), (staff, 413)):
            headers = {**who, "Content-Type": "application/json", "Connection": "close"}
            answers = [
                api.post("/orders/batch", content=too_much, headers=headers),
                api.post("/orders/batch", content=iter([too_much]), headers=headers),
            ]
            assert [status, status] == [answer.status_code for answer in answers]
        assert 200 == api.post("/orders/batch", json={"orders": ORDERS}, headers=staff).status_code
