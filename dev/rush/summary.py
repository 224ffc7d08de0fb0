"""What is said when the night is over."""

from collections.abc import Iterator

from dev.rush.display import minutes
from dev.rush.reckoning import Reckoning
from dev.rush.tally import Tally


def is_good(tally: Tally, reckoning: Reckoning) -> bool:
    """Whether nothing was lost, doubled, or answered otherwise than expected."""
    return reckoning.adds_up and not tally.unexpected


def summary(tally: Tally, reckoning: Reckoning, left_open: int) -> str:
    """The night in some lines; durations by the bar's clock."""
    rows = list(_rows(tally, reckoning, left_open))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {figure}" for name, figure in rows)


def _rows(tally: Tally, reckoning: Reckoning, left_open: int) -> Iterator[tuple[str, str]]:
    paths = sorted({order.path for order in tally.orders.values()})
    for path in paths:
        yield f"orders, {path}", str(sum(order.path == path for order in tally.orders.values()))
    yield "guests turned away", str(tally.turned_away)
    drinks = reckoning.drinks
    yield (
        "drinks",
        f"{drinks.get('complete', 0)} made, {drinks.get('failed', 0)} failed, {drinks.get('canceled', 0)} canceled",
    )
    yield "orders open at the end", f"{left_open}, canceled at closing time" if left_open else "none"
    yield "wait for a bartender", _spread(reckoning.wait_seconds)
    yield "wait for the drink", _spread(reckoning.total_seconds)
    yield "longest queue", f"{tally.longest_queue} drinks"
    yield "requests", f"{tally.requests}; {tally.repeated} sent again, {tally.given_up} orders given up"
    yield "answered unexpectedly", _unexpected(tally)
    yield "answered 2xx and found once", _found(reckoning)


def _spread(percentiles: tuple[float | None, float | None]) -> str:
    half, ninety = percentiles
    return f"p50 {minutes(half)}, p90 {minutes(ninety)}"


def _unexpected(tally: Tally) -> str:
    return "; ".join(f"{count} × {what}" for what, count in tally.unexpected.most_common()) or "none"


def _found(reckoning: Reckoning) -> str:
    good = reckoning.answered - len(set(reckoning.missing) | set(reckoning.doubled))
    said = f"{good} of {reckoning.answered}"
    for name in ("missing", "doubled", "unanswered"):
        marks = getattr(reckoning, name)
        said += f"; {len(marks)} {name}: {', '.join(marks[:5])}" if marks else ""
    return said
