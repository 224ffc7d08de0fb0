"""docs/pos-integration.md, word for word on a fresh `make run`: from a key to the webhook of a ready drink, and on."""

import json
import sys
from pathlib import Path

import pytest

from dev import state
from dev.ports import LOOPBACK, free_ports
from tests.support.make_run import READY, make_run, read_until
from tests.support.tours import run_document


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_guide_does_what_it_says(curl: None, tmp_path: Path) -> None:
    port, hooks_port = free_ports(2)
    with state.temporary() as folder, make_run(folder, PORT=str(port)) as process:
        read_until(process, READY)
        settings = {"BASE": f"http://{LOOPBACK}:{port}", "HOOKS_PORT": str(hooks_port), "PYTHON": sys.executable}
        lines = run_document("docs/pos-integration.md", {**settings, "TMPDIR": str(tmp_path)})

    assert ["one order", "webhook.test", "webhook.test None None"] == lines[:3]
    assert ["pending", "Negroni", "complete", "drink.completed T7 Negroni"] == lines[3:7]
    assert "'items.0.recipe'" in lines[7]
    assert ["202", "422", "202"] == lines[8:11]
    body, redelivered, next_created_from, test_message, place, first, next_cursor, status = lines[11:]
    assert ("check-1042", 36) == (json.loads(body)["data"]["external_id"], len(redelivered))
    assert ["None", "pending", "placed", "None", "complete"] == [
        next_created_from,
        test_message,
        first,
        next_cursor,
        status,
    ]
    assert int(place) >= 4
