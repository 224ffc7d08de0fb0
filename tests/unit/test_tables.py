"""Tables in the order in which people count them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shakerqueue.queries.models import Table
from shakerqueue.tables import in_order


def table(label: str) -> Table:
    now = datetime.now(UTC)
    return Table(uuid4(), label, link_version=1, link_made_at=now, archived_at=None, created_at=now)


@pytest.mark.parametrize(
    "labels",
    [
        ["1", "2", "10", "20"],
        ["Terrace 2", "terrace 10", "Terrace 11"],
        ["7", "7b", "8", "Bar", "Window"],
        ["A1 left", "A1 right", "A2"],
    ],
)
def test_numbers_count_wherever_they_stand(labels: list[str]) -> None:
    assert labels == [one.label for one in in_order(table(label) for label in sorted(labels, reverse=True))]
