"""What the product asks of the database."""

from collections.abc import Callable
from typing import Any

import pytest


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[dict[str, Any]]:
    """The arguments of a query, for each time that it is asked from now on."""
    asked: list[dict[str, Any]] = []
    query: Callable[..., Any] = getattr(module, name)

    def ask(conn: object, **arguments: Any) -> Any:
        asked.append(arguments)
        return query(conn, **arguments)

    monkeypatch.setattr(module, name, ask)
    return asked
