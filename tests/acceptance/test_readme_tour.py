"""The README's tour, run as it is printed there."""

import re
import subprocess
from pathlib import Path

import pytest

from dev.debian import ensure_program
from dev.servers import ServerError
from tests.support.bar import Bar
from tests.support.waiting import eventually

README = Path(__file__).parents[2] / "README.md"


def tour() -> str:
    [script] = re.findall(r"<!-- tour:.*?-->\n```sh\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return str(script)


@pytest.fixture
def curl() -> None:
    try:
        ensure_program("curl")
    except ServerError as error:
        pytest.skip(str(error))


def test_the_tour_does_what_it_says(bar: Bar, curl: None) -> None:
    with bar.api() as client, bar.process("consume"):
        eventually(lambda: "ready" == client.get("/readyz").json()["status"], deadline_seconds=30)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "BASE": str(client.base_url)}
        ran = subprocess.run(
            ["sh", "-euc", tour()], env=environment, capture_output=True, text=True, timeout=30, check=True
        )
        eventually(lambda: 2 == bar.query("SELECT count(*) FROM orders")[0][0])

    assert "" == ran.stderr
    lines = [line for line in ran.stdout.splitlines() if line]
    status, claimed, made, recalled, refused, first, second, misspelt = lines
    assert ["pending", "Margarita", "complete", "in_progress"] == [status, claimed, made, recalled]
    assert "Your role may not do this." == refused
    assert first == second
    assert '"field":"quantitty"' in misspelt
    drinks = bar.query("SELECT recipe, count(*)::int FROM order_items GROUP BY recipe ORDER BY recipe")
    assert [("Margarita", 1), ("Mojito", 1), ("Negroni", 2)] == drinks
