"""`make run`: which broker it runs with."""

import pytest

from dev import run
from dev.servers import ServerError


def missing() -> None:
    raise ServerError("RabbitMQ is not installed: install it")


def test_a_broker_that_is_given_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMQP_URL", "amqp://elsewhere")
    monkeypatch.setattr(run, "ensure_installed", missing)
    assert "amqp://elsewhere" == run.given_broker()


def test_where_none_can_be_had_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AMQP_URL", raising=False)
    monkeypatch.setattr(run, "ensure_installed", missing)
    assert "off" == run.given_broker()
    said = capsys.readouterr().out
    assert "RabbitMQ is not installed: install it.\nUntil then it runs without a broker" in said


def test_otherwise_it_starts_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMQP_URL", raising=False)
    monkeypatch.setattr(run, "ensure_installed", lambda: None)
    assert run.given_broker() is None
