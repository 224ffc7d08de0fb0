"""A few hundred requests of the run, against the real processes. `make fuzz` sends ten thousand."""

from tests.fuzz.fuzzing import SMALL
from tests.fuzz.run import run
from tests.fuzz.target import Target
from tests.support.bar import Bar
from tests.support.house import House

SEED = 1


def test_no_kind_of_caller_finds_an_answer_that_breaks_the_contract(bar: Bar) -> None:
    with House(bar) as house:
        target = Target(house.url, bar.database_url, bar.amqp_url, bar.topology)
        results = run(target, seed=SEED, size=SMALL, requests=1, progress=print)
    assert ["nobody", "customer", "API key", "employee", "admin"] == [result.caller for result in results]
    assert [] == [violation for result in results for violation in result.violations]
    assert [0] * len(results) == [result.by_class["5xx"] for result in results]
    assert all(result.by_class["2xx"] for result in results)
