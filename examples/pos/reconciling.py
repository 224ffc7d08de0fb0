"""After an outage: what the till believes to be open is compared with what the bar says."""

from datetime import datetime, timedelta

from .bar import Bar
from .news import from_order
from .store import Check, Store

OVERLAP = timedelta(minutes=1)  # the bar has more than one machine, and their clocks differ


def reconcile(bar: Bar, store: Store) -> None:
    """Read what became of the open checks. Those that the bar does not know are unsent again.

    Raises:
        NoAnswer: it is not finished, and may be begun anew at any time.
        KeyRefused: the key is not good.
    """
    page = bar.events(store.furthest_place())  # before the orders are read: what they say is at least of this place
    if page["reset"]:
        store.rewind(page["after"])
    if open_checks := store.open_checks():
        _compare(bar, store, open_checks, page["after"])


def _compare(bar: Bar, store: Store, open_checks: list[Check], place: int) -> None:
    orders = {order["id"]: order for order in bar.orders_updated_after(_oldest(open_checks))}
    with store.transaction():
        for order in orders.values():
            store.tell(from_order(order, place))
        for check in open_checks:
            if check.order_id not in orders:
                store.send_again(check)


def _oldest(checks: list[Check]) -> str:
    """When the first of them was placed, and a little before, by the bar's clock: nothing of them is older."""
    placed = [datetime.fromisoformat(check.placed_at) for check in checks if check.placed_at]
    return (min(placed) - OVERLAP).isoformat()
