"""The environment in which `make run` and the checks start the product's commands."""

from pathlib import Path

import pytest

from dev import product


def test_a_file_that_names_another_database_does_not_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NAME_FILE wins over NAME in the product, so it may not reach a command that is given NAME on purpose."""
    monkeypatch.setenv("DATABASE_URL_FILE", "/somewhere/else")
    monkeypatch.setenv("JWT_SECRET_FILE", "/somewhere/else")
    monkeypatch.setenv("LOG_LEVEL_FILE", "/somewhere/else")

    environment = product.environment(tmp_path, DATABASE_URL="postgresql://ours")

    assert "postgresql://ours" == environment["DATABASE_URL"]
    kept = {"DATABASE_URL_FILE", "JWT_SECRET_FILE", "LOG_LEVEL_FILE"} & set(environment)
    assert {"LOG_LEVEL_FILE"} == kept
