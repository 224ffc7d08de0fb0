"""SQL names as Python names."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

SQL = Path(__file__).parents[2] / "sql"


@pytest.fixture
def naming(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module under test, which belongs to no installed package."""
    monkeypatch.syspath_prepend(SQL)
    return importlib.import_module("codegen.naming")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("orders", "Order"),
        ("order_items", "OrderItem"),
        ("order_id_secret", "OrderIdSecret"),
        ("categories", "Category"),
        ("movies_ties", "MoviesTy"),
        ("boxes", "Box"),
        ("glasses", "Glass"),
        ("batches", "Batch"),
        ("bar_statuses", "BarStatus"),
        ("bonus", "Bonus"),
        ("purchases", "Purchase"),
        ("recipes", "Recipe"),
        ("days", "Day"),
        ("webhook_deliveries", "WebhookDelivery"),
    ],
)
def test_class_name(naming: ModuleType, table: str, expected: str) -> None:
    """A table's class is singular in its last word; what the rule gets wrong has the option `row_classes`."""
    assert expected == naming.class_name(table)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", "id"),
        ("type", "type"),
        ("from", "from_"),
        ("None", "none"),
        ("date", "date_"),
        ("conn", "conn_"),
        ("Opening Time", "opening_time"),
        ("?column?", "_column_"),
        ("2nd", "_2nd"),
    ],
)
def test_identifier(naming: ModuleType, name: str, expected: str) -> None:
    """Keywords, types and the rendered code's own names get an underscore."""
    assert expected == naming.identifier(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("GetOrder", "get_order"), ("ListHTTPCalls", "list_http_calls"), ("Import", "import_"), ("A2B", "a2_b")],
)
def test_snake(naming: ModuleType, name: str, expected: str) -> None:
    """A query's name as that of its function."""
    assert expected == naming.snake(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("pending", "PENDING"), ("in-progress", "IN_PROGRESS"), ("86ed", "VALUE_86ED"), ("", "VALUE_")],
)
def test_member(naming: ModuleType, value: str, expected: str) -> None:
    """An enum value as the name of its member."""
    assert expected == naming.member(value)
