"""A run: every kind of caller, one after the other, until there were enough requests."""

import httpx

from shakerqueue.queries.models import UserRole
from tests.fuzz.callers import Caller, Nobody, Person, Program
from tests.fuzz.fuzzing import Fuzzing, Progress, Size
from tests.fuzz.real_values import PIN, RealValues
from tests.fuzz.results import CallerResult, merged
from tests.fuzz.target import Target
from tests.support.bar import DEMO_PASSWORD
from tests.support.waiting import eventually

ORDERS = 10  # of each who may order
DRINKS = 3
REQUEST_SECONDS = 10.0


class Evening:
    """A bar in which there is something to ask for, and everybody who asks."""

    def __init__(self, target: Target, client: httpx.Client) -> None:
        self._target = target
        self._host = Person(client, target, UserRole.ADMIN)
        self._colleague = Person(client, target, UserRole.EMPLOYEE)
        customer = Person(client, target, UserRole.CUSTOMER)
        employee = Person(client, target, UserRole.EMPLOYEE)
        admin = Person(client, target, UserRole.ADMIN)
        program = Program(client, self._host)
        self.callers: list[Caller] = [Nobody(client), customer, program, employee, admin]
        self._fill([customer, program, employee, admin])

    def _fill(self, ordering: list[Caller]) -> None:
        self._host.request("POST", "/tables", labels=[f"Table {number}" for number in range(1, 21)])
        self._colleague.request("PUT", "/me/pin", pin=PIN, password=DEMO_PASSWORD)
        for caller in ordering:
            for _ in range(ORDERS):
                caller.request("POST", "/orders", items=[{"recipe": "Margarita", "quantity": DRINKS}])
        wanted = ORDERS * len(ordering)
        eventually(lambda: self._target.column("SELECT count(*) FROM orders") == [wanted])

    def ask(self, caller: Caller, *, seed: int, size: Size, progress: Progress) -> CallerResult:
        """Let one caller ask, while the bar is open."""
        self._host.request("PATCH", "/bar", accepting=True)
        caller.begin_anew()
        values = RealValues(self._target, caller, self._host, seed)
        return Fuzzing(self._target, caller, values, seed=seed, size=size).run(progress)


def run(target: Target, *, seed: int, size: Size, requests: int, progress: Progress) -> list[CallerResult]:
    """Let each kind of caller ask; and again, with another seed, until there were `requests` of them."""
    results: list[CallerResult] = []
    with httpx.Client(base_url=target.url, timeout=REQUEST_SECONDS) as client:
        evening = Evening(target, client)
        while sum(result.requests for result in results) < requests:
            done = [evening.ask(caller, seed=seed, size=size, progress=progress) for caller in evening.callers]
            results = [merged(*both) for both in zip(results, done, strict=True)] if results else done
            seed += 1
    return results
