"""A query as Python: the constant of its SQL, the class of its rows if it needs one, and its function."""

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import CodegenError
from .models import Fields, Models, from_row, from_row_name, row_class
from .module import docstring, escaped, fits, wrapped
from .naming import identifier, snake
from .python_types import python_type, result_type
from .request import Query

_FETCH = {":one": ".fetchone()", ":many": ".fetchall()", ":exec": "", ":execrows": ".rowcount"}


@dataclass(frozen=True, slots=True)
class _Result:
    """What a query's function returns and how psycopg is told to make it."""

    row: str  # the type of one row; empty when there are none
    factory: str = ""  # psycopg's row factory
    parts: tuple[str, ...] = ()  # definitions that the function needs
    is_untyped: bool = False  # the factory knows no type: the function has to state it


def render_query(query: Query, models: Models) -> Iterator[str]:
    """Yield the top-level parts of the module that belong to a query."""
    if query.command not in _FETCH:
        raise CodegenError(f"{query.place}: {query.command} is not supported; use one of {', '.join(_FETCH)}")
    result = _result(query, models)
    yield _constant(query)
    yield from result.parts
    yield _function(query, result, models)


def _constant(query: Query) -> str:
    # The comment shows in the server's log and in pg_stat_activity.
    return f'{_constant_name(query)}: Final = """-- name: {query.name}\n{escaped(query.sql)}\n"""'


def _constant_name(query: Query) -> str:
    return snake(query.name).upper()


def _result(query: Query, models: Models) -> _Result:
    if query.command not in {":one", ":many"}:
        return _Result("")
    if not query.columns:
        raise CodegenError(f"{query.place}: {query.command} of a query without columns; use :exec or RETURNING")
    fields: Fields = [
        (identifier(each.name), result_type(each, models.enums, f"{query.place}: column {each.name}"))
        for each in query.columns
    ]
    return _scalar(query, fields) if len(fields) == 1 else _row(query, fields, models)


def _scalar(query: Query, fields: Fields) -> _Result:
    ((name, kind),) = fields
    if not kind.is_enum:
        return _Result(kind.annotation(), "scalar_row", is_untyped=True)
    if not kind.nullable:
        return _Result(kind.annotation(), f"args_row({kind.scalar})")
    function = f"_{from_row_name(query.name)}"
    signature = f"def {function}({name}: {kind.loaded.annotation()}) -> {kind.annotation()}:"
    return _Result(kind.annotation(), f"args_row({function})", (f"{signature}\n    return {kind.convert(name)}",))


def _row(query: Query, fields: Fields, models: Models) -> _Result:
    converted = any(kind.is_enum for _, kind in fields)
    if table_class := models.class_of(query):
        if converted:
            models.need_conversion(table_class)
        return _Result(table_class, f"args_row({from_row_name(table_class) if converted else table_class})")
    name = f"{query.name}Row"
    row = row_class(name, f"A row of `{snake(query.name)}`.", fields)
    if not converted:
        return _Result(name, f"args_row({name})", (row,))
    function = f"_{from_row_name(query.name)}"
    return _Result(name, f"args_row({function})", (row, from_row(function, name, fields)))


def _function(query: Query, result: _Result, models: Models) -> str:
    parameters, values = [], []
    for column in query.parameters:
        kind = python_type(column, models.enums, f"{query.place}: parameter @{column.name}")
        name = identifier(column.name)
        parameters.append(f"{name}: {kind.annotation('Sequence')}")
        values.append(kind.dump(name))
    returned = _returned(query, result)
    keywords = ["*", *parameters] if parameters else []
    start = f"def {snake(query.name)}("
    signature = wrapped(start, ["conn: Connection[Any]", *keywords], f") -> {returned}:")
    return "\n".join([signature, docstring(query.doc), _body(query, result, values)])


def _returned(query: Query, result: _Result) -> str:
    if query.command == ":one":
        return result.row if result.row.endswith("| None") else f"{result.row} | None"
    return {":many": f"list[{result.row}]", ":exec": "None", ":execrows": "int"}[query.command]


def _body(query: Query, result: _Result, values: list[str]) -> str:
    constant, fetch = _constant_name(query), _FETCH[query.command]
    if not fetch:
        return _execute("RawCursor(conn).execute(", constant, values, "    ")
    factory = f", row_factory={result.factory}" if result.factory else ""
    start = f"scalar: {_returned(query, result)} = " if result.is_untyped else "return "
    chain = _chain(start, f"RawCursor(conn{factory})", constant, values, fetch)
    return f"{chain}\n    return scalar" if result.is_untyped else chain


def _chain(start: str, cursor: str, constant: str, values: list[str], fetch: str) -> str:
    """Lay out a chain of calls as a formatter does: on a line, on a line in brackets, or a call a line."""
    whole = f"{cursor}{_execute('.execute(', constant, values)}{fetch}"
    if fits(f"    {start}{whole}"):
        return f"    {start}{whole}"
    calls = [f"        {cursor}", _execute(".execute(", constant, values, "        "), f"        {fetch}"]
    return "\n".join([f"    {start}(", *([f"        {whole}"] if fits(f"        {whole}") else calls), "    )"])


def _execute(start: str, constant: str, values: list[str], indent: str = "") -> str:
    """The call that executes: on one line if it fits, else an argument a line."""
    listed = wrapped("[", values, "]", f"{indent}    ").lstrip()
    return wrapped(start, [constant, listed] if values else [constant], ")", indent)
