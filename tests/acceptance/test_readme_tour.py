"""The README's tour, run as it is printed there."""

from tests.support.bar import Bar
from tests.support.tours import run_tour
from tests.support.waiting import eventually


def test_the_tour_does_what_it_says(bar: Bar, curl: None) -> None:
    with bar.api() as client, bar.process("consume"):
        eventually(lambda: "ready" == client.get("/readyz").json()["status"], deadline_seconds=30)
        lines = run_tour("README.md", client)
        eventually(lambda: 2 == bar.query("SELECT count(*) FROM orders")[0][0])

    status, claimed, made, recalled, refused, first, second, misspelt = lines
    assert ["pending", "Margarita", "complete", "in_progress"] == [status, claimed, made, recalled]
    assert "Your role may not do this." == refused
    assert first == second
    assert '"field":"quantitty"' in misspelt
    drinks = bar.query("SELECT recipe, count(*)::int FROM order_items GROUP BY recipe ORDER BY recipe")
    assert [("Margarita", 1), ("Mojito", 1), ("Negroni", 2)] == drinks
