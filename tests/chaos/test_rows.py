"""Every row in small: a handful of faults, a few hundred orders. `make chaos` runs them at their figures."""

from collections.abc import Iterator

import pytest

from dev.rabbitmq_install import ensure_installed
from tests.chaos.house import opened
from tests.chaos.rows import ROWS
from tests.chaos.servers import Servers, running
from tests.chaos.slices import run_slice

USUAL = ("1", "3", "5", "11", "12", "13", "14c", "18")  # in `make test`; the others take longer
NIGHTLY = ("6", "9", "24")  # much as 5 and 7, and a soak of all the others: each takes as long as three of them


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """A broker and a database that may be broken: nobody else's."""
    ensure_installed()
    with running() as servers:
        yield servers


def marks(number: str) -> list[pytest.MarkDecorator]:
    if number in NIGHTLY:
        return [pytest.mark.nightly]
    return [] if number in USUAL else [pytest.mark.slow]


@pytest.mark.parametrize("number", [pytest.param(number, marks=marks(number)) for number in ROWS])
def test_every_accepted_order_is_stored_once(servers: Servers, number: str) -> None:
    row = ROWS[number](small=True)
    with opened(servers, proxied=row.proxied, amqp_options=row.amqp_options, **row.settings) as house:
        result = run_slice(row, house)
    assert [] == result.problems
    assert result.witnesses
