"""Signing in tells nobody whether there is an account."""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import bcrypt
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shakerqueue.config import MIN_BCRYPT_COST
from shakerqueue.passwords import PasswordHasher
from tests.support.application import running_app
from tests.support.bar import DEMO_PASSWORD, Bar

DAILY_TRIALS, DAILY_COST = 30, 8
TRIALS = 200
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
WHO = {
    "unknown": {"email": "nobody@example.com", "password": DEMO_PASSWORD},
    "disabled": {"email": "admin@example.com", "password": DEMO_PASSWORD},
    "wrong password": {"email": "user@example.com", "password": "not the password"},
}


@pytest.fixture
def disabled_admin(bar: Bar) -> None:
    bar.change("UPDATE users SET disabled_at = now() WHERE username = 'admin'")


def told(answer: TestResponse) -> tuple[int, dict[str, str], dict[str, object]]:
    """All that is answered, but for what differs between any two requests: the id, and how many more there may be."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-Id", "RateLimit")}
    return answer.status_code, headers, {**answer.get_json(), "request_id": None}


@pytest.mark.usefixtures("disabled_admin")
@pytest.mark.parametrize("path", ["/login", "/session"])
def test_sec_08_unknown_disabled_and_wrong_get_one_and_the_same_answer(client: FlaskClient, path: str) -> None:
    answers = [told(client.post(path, json=who, headers=OWN_PAGE)) for who in WHO.values()]

    status, headers, body = answers[0]
    assert [answers[0]] * len(WHO) == answers
    assert (401, "Bearer") == (status, headers["WWW-Authenticate"])
    assert ("unauthorized", "Address and password do not fit.") == (body["code"], body["detail"])


@pytest.mark.usefixtures("disabled_admin")
def test_sec_08_each_costs_one_comparison_of_the_same_cost(
    client: FlaskClient, bar: Bar, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[int] = []
    compare: Callable[[bytes, bytes], bool] = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        costs.append(int(hashed.split(b"$")[2]))
        return compare(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    for who in WHO.values():
        client.post("/login", json=who)

    assert [bar.settings.bcrypt_cost] * len(WHO) == costs


@pytest.fixture
def timed_client(request: pytest.FixtureRequest, bar: Bar) -> Iterator[FlaskClient]:
    """Of a bar whose password hashes, and so what an unknown address is compared with, are of the cost given."""
    password_hash = PasswordHasher(bar.settings.password_pepper, request.param).hash(DEMO_PASSWORD)
    bar.change(f"UPDATE users SET password_hash = '{password_hash}' WHERE password_hash IS NOT NULL")
    bar.change("UPDATE users SET disabled_at = now() WHERE username = 'admin'")
    with running_app(bar, bcrypt_cost=request.param, rate_limits=False) as app:
        yield app.test_client()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("trials", "timed_client"),
    [
        (DAILY_TRIALS, DAILY_COST),
        pytest.param(TRIALS, MIN_BCRYPT_COST, marks=[pytest.mark.security_run, pytest.mark.alone]),
    ],
    indirect=["timed_client"],
)
def test_sec_08_median_times_are_reported(
    timed_client: FlaskClient, bar: Bar, trials: int, record_property: Callable[[str, object], None]
) -> None:
    """A report and no limit: a busy machine would make one up. The work is compared above."""
    seconds: dict[str, list[float]] = {name: [] for name in WHO}
    for _ in range(trials):
        bar.change("DELETE FROM failed_attempts")  # or no more passwords are looked at
        for name, who in WHO.items():
            began_at = perf_counter()
            assert 401 == timed_client.post("/login", json=who).status_code
            seconds[name].append(perf_counter() - began_at)
    medians = ", ".join(f"{name} {median(taken) * 1000:.1f} ms" for name, taken in seconds.items())
    record_property("figures", f"medians of {trials} sign-ins: {medians}")
