"""The module of enums and table rows, and what query modules ask of it."""

import json
from collections.abc import Iterator, Sequence

from .errors import CodegenError
from .module import wrapped
from .naming import camel, class_name, identifier, member, snake
from .python_types import PythonType, python_type
from .request import Column, Enum, Query, Request, Table

Fields = list[tuple[str, PythonType]]

_JSON = "# What a document holds is known to its writer, not to the schema: its reader checks it.\nJSON = Any"


class Models:
    """The catalog in Python: which class a row has, and which helpers the query modules came to need."""

    def __init__(self, request: Request) -> None:
        """Type every table of the catalog; a type without a Python counterpart is refused."""
        self.enums = {enum.name: enum for enum in request.enums}
        self._tables = {table.name: table for table in request.tables}
        self._classes = {name: request.row_classes.get(name, class_name(name)) for name in self._tables}
        self._fields = {name: self._typed(table) for name, table in self._tables.items()}
        self._converted: set[str] = set()
        self._has_json = any(each.type_name in {"json", "jsonb"} for each in _all_columns(request))
        self._check_names()

    @property
    def names(self) -> list[str]:
        """All that a query module may import."""
        classes = [*map(camel, self.enums), *self._classes.values()]
        return [*classes, "JSON", *(from_row_name(each) for each in self._classes.values())]

    def class_of(self, query: Query) -> str | None:
        """The class of the one table whose columns the query returns, all of them and in order."""
        origins = {column.table for column in query.columns}
        tables = sorted(self._tables.values(), key=lambda table: table.name not in origins)
        shape = _shape(query.columns)
        return next((self._classes[each.name] for each in tables if _shape(each.columns) == shape), None)

    def need_conversion(self, name: str) -> None:
        """Have the function rendered that makes a row of this class out of what psycopg loads."""
        self._converted.add(name)

    def render(self) -> Iterator[str]:
        """Yield the parts of `models.py`."""
        if self._has_json:
            yield _JSON
        yield from map(_enum, self.enums.values())
        for table, fields in self._fields.items():
            name = self._classes[table]
            yield row_class(name, f"A row of `{table}`.", fields)
            if name in self._converted:
                yield from_row(from_row_name(name), name, fields)

    def _typed(self, table: Table) -> Fields:
        place = f"schema: table {table.name}"
        return [
            (identifier(each.name), python_type(each, self.enums, f"{place}, column {each.name}"))
            for each in table.columns
        ]

    def _check_names(self) -> None:
        names = self.names
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            hint = "name one under `row_classes` in sqlc.yaml"
            raise CodegenError(f"schema: two classes would be called {', '.join(repeated)}; {hint}")


def from_row_name(name: str) -> str:
    """The function that makes an `Order` out of loaded values: `order_from_row`."""
    return f"{snake(name)}_from_row"


def row_class(name: str, doc: str, fields: Fields) -> str:
    """A frozen dataclass."""
    lines = [f"    {field}: {each.annotation()}" for field, each in fields]
    head = ["@dataclass(frozen=True, slots=True)", f"class {name}:", f'    """{doc}"""', ""]
    return "\n".join([*head, *lines])


def from_row(function: str, name: str, fields: Fields) -> str:
    """The function that psycopg calls with the values of each row."""
    parameters = (f"{field}: {each.loaded.annotation()}" for field, each in fields)
    signature = wrapped(f"def {function}(", parameters, f") -> {name}:")
    values = (each.convert(field) for field, each in fields)
    doc = '    """Make a row of the values that psycopg loads."""'
    return "\n".join([signature, doc, wrapped(f"return {name}(", values, ")", "    ")])


def _enum(enum: Enum) -> str:
    names = [member(value) for value in enum.values]
    if len(set(names)) < len(names):
        raise CodegenError(f"schema: enum {enum.name} has values that differ only in case or punctuation")
    pairs = zip(names, enum.values, strict=True)
    members = [f"    {name} = {_quoted(value)}" for name, value in pairs]
    doc = f'    """The SQL enum `{enum.name}`."""'
    return "\n".join([f"class {camel(enum.name)}(StrEnum):", doc, "", *members])


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _all_columns(request: Request) -> Iterator[Column]:
    for table in request.tables:
        yield from table.columns
    for query in request.queries:
        yield from (*query.columns, *query.parameters)


def _shape(columns: Sequence[Column]) -> list[tuple[str, str, int, bool]]:
    return [(each.name, each.type_name, each.dimensions, each.not_null) for each in columns]
