"""The tables of settings name what there is to set, with the defaults that hold."""

import os
import re

import pytest

from shakerqueue.config import load_settings
from shakerqueue.errors import ConfigurationError
from tests.support.compose import COMPOSE_FILE, REPOSITORY
from tests.support.documents import variables
from tests.support.environment import Asked

NEEDED = {
    "DATABASE_URL": "postgresql://127.0.0.1/bar",
    "AMQP_URL": "amqp://127.0.0.1/",
    "JWT_SECRET": "u3fVqN8rB0xkZ1mT6yWcH4eLp9sDgA2j",
    "PASSWORD_PEPPER": "Q7nXz5bKw1RtE8vYp3LmC6hJd0gFs4aU",
}
FOR_TESTS = {"FAILPOINTS_DIR"}
NO_VALUES = {"none", "needed", "the cores", "a new folder"}
TABLE = variables(REPOSITORY / "README.md")


def test_the_readme_names_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(NEEDED)
    monkeypatch.setattr(os, "environ", asked)
    load_settings()
    assert {name.removesuffix("_FILE") for name in asked.names} - FOR_TESTS == set(TABLE)


def test_the_defaults_of_the_readme_are_those_that_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", NEEDED)
    without = load_settings()
    told = {name: default for name, default in TABLE.items() if default not in NO_VALUES}
    assert len(told) > 15
    monkeypatch.setattr(os, "environ", {**NEEDED, **told})
    assert without == load_settings()


def test_what_the_readme_calls_needed_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(NEEDED) == {name for name, default in TABLE.items() if default == "needed"}
    for name in NEEDED:
        monkeypatch.setattr(os, "environ", {other: value for other, value in NEEDED.items() if other != name})
        with pytest.raises(ConfigurationError, match=name):
            load_settings()


def test_the_document_about_containers_names_the_variables_of_the_compose_file() -> None:
    read = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE_FILE.read_text()))
    assert {name: default or "none" for name, default in read.items()} == variables(REPOSITORY / "docs/containers.md")
