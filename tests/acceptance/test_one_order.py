"""One order, end to end: the real API process, the real broker, the real consumer process, the real database."""

from tests.support.bar import Bar, sign_in
from tests.support.waiting import eventually


def test_a_margarita_from_login_to_the_bar(bar: Bar) -> None:
    with bar.api() as client:
        guest = sign_in(client)
        placed = client.post("/orders", json={"recipe": "Margarita"}, headers=guest)
        assert (202, "queued") == (placed.status_code, placed.json()["status"])
        queued = client.get(placed.headers["Location"], headers=guest)
        assert {"id": placed.json()["id"], "status": "queued"} == queued.json()

        with bar.process("consume"):
            order = eventually(
                lambda: (
                    (seen := client.get(placed.headers["Location"], headers=guest).json())["status"] != "queued"
                    and seen
                )
            )

    assert (placed.json()["id"], "pending") == (order["id"], order["status"])
    assert [(1, "Margarita", "sour", "pending")] == [
        (item["number"], item["recipe"], item["build"], item["status"]) for item in order["items"]
    ]
    assert 0 == bar.queue_length(bar.topology.orders_queue)
