"""The comparison that every row ends with: what guests were told against what is stored."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from psycopg import Connection

from tests.chaos.attempts import AttemptedOrder, Outcome

CONFIDENCE = 0.95
STORED = """
SELECT o.id::text, o.principal_id::text, o.idempotency_key, coalesce(o.external_id, ''), o.error,
    coalesce(i.drinks, 0)::integer, coalesce(e.placed, 0)::integer
FROM orders AS o
LEFT JOIN (SELECT order_id, count(*) AS drinks FROM order_items GROUP BY order_id) AS i ON i.order_id = o.id
LEFT JOIN (SELECT order_id, count(*) AS placed FROM order_events WHERE type = 'placed' GROUP BY order_id) AS e
    ON e.order_id = o.id
"""


class StoredOrder(NamedTuple):
    """A row of `orders`, with how many drinks and `placed` events belong to it."""

    id: str
    principal_id: str
    key: str
    mark: str
    error: str | None
    drinks: int
    placed_events: int


@dataclass(slots=True)
class Findings:
    """What does not fit, in words. All empty: exactly what was promised is there."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    contradicted: list[str] = field(default_factory=list)  # two ids for one key, or another order than was asked for

    @property
    def problems(self) -> list[str]:
        kinds = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "invented": self.invented,
            "contradicted": self.contradicted,
        }
        return [f"{kind}: {text}" for kind, texts in kinds.items() for text in texts]


def read_stored(conn: Connection[Any]) -> list[StoredOrder]:
    """Everything that is stored."""
    return [StoredOrder(*row) for row in conn.execute(STORED).fetchall()]


def missing(attempted: Iterable[AttemptedOrder], stored_ids: set[str]) -> set[str]:
    """The ids that guests were told and that are not stored."""
    return {order_id for order in attempted for order_id in order.told_ids} - stored_ids


def compare(attempted: Sequence[AttemptedOrder], stored: Sequence[StoredOrder]) -> Findings:
    """Everything that was ever attempted on this database against everything that is in it."""
    by_mark: dict[str, list[StoredOrder]] = {order.mark: [] for order in attempted}
    strangers: list[StoredOrder] = []
    for row in stored:
        by_mark.get(row.mark, strangers).append(row)
    findings = Findings(invented=[f"order {row.id} (key {row.key}) was never asked for" for row in strangers])
    for order in attempted:
        _compare_order(order, by_mark[order.mark], findings)
    findings.duplicated += _keys_stored_twice(stored)
    return findings


def _compare_order(order: AttemptedOrder, rows: list[StoredOrder], findings: Findings) -> None:
    name = f"order {order.mark} (key {order.key})"
    findings.lost += [f"{name} was accepted as {order_id}" for order_id in missing([order], {row.id for row in rows})]
    if len(rows) > 1:
        findings.duplicated.append(f"{name} is stored {len(rows)} times")
    if rows and order.outcome is Outcome.FAIL:
        findings.invented.append(f"{name} was refused, and is stored as {rows[0].id}")
    if len(order.told_ids) > 1:
        findings.contradicted.append(f"{name} was given {len(order.told_ids)} ids")
    for row in rows:
        _compare_row(order, row, findings)


def _compare_row(order: AttemptedOrder, row: StoredOrder, findings: Findings) -> None:
    if row.placed_events != 1:
        found = findings.duplicated if row.placed_events else findings.lost
        found.append(f"order {row.id} has {row.placed_events} events of its placing")
    if row.drinks != order.drinks:
        found = findings.duplicated if row.drinks > order.drinks else findings.lost
        found.append(f"order {row.id} has {row.drinks} drinks, {order.drinks} were asked for")
    if row.error is not None:
        findings.contradicted.append(f"order {row.id} is stored as refused: {row.error}")
    if row.principal_id != order.principal_id or order.key not in (None, row.key):
        findings.contradicted.append(f"order {row.id} is stored for another guest or under another key")


def _keys_stored_twice(stored: Iterable[StoredOrder]) -> list[str]:
    counts = Counter((row.principal_id, row.key) for row in stored)
    return [f"key {key} is stored {count} times" for (_, key), count in counts.items() if count > 1]


def bound_95(trials: int) -> float:
    """The rate below which the true one lies with 95 % confidence when none of `trials` failed.

    Clopper and Pearson's exact upper bound for zero events; close to 3/n, the rule of three. 1.0 without a trial.
    """
    return 1.0 - float((1 - CONFIDENCE) ** (1 / trials)) if trials else 1.0
