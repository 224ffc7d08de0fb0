"""docs/operations: what it says of metrics is so."""

import re
from pathlib import Path

from tests.support.metrics import Known, known_metrics

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|([^|]*)\|[^|]+\|$", re.MULTILINE)


def test_the_table_of_metrics_is_that_of_the_product() -> None:
    rows = ROW.findall((OPERATIONS / "metrics.md").read_text())
    listed = {
        name: Known(kind, tuple(labels.replace("`", "").split()), tuple(parts.split()))
        for name, kind, labels, parts in rows
    }
    assert len(listed) == len(rows)
    assert known_metrics() == listed
