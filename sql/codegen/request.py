"""sqlc's CodeGenRequest as typed values.

The shape is that of `plugin.CodeGenRequest` in sqlc's protos/plugin/codegen.proto, as JSON with proto names;
only what the renderer needs is kept. `bytes` fields, such as the options, are base64.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .errors import CodegenError

# A parsed JSON object of sqlc's request; its fields are checked by reading them.
Json = Mapping[str, Any]

_NULLABLE = "nullable:"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table or of a result, or what a parameter stands for."""

    name: str
    type_name: str  # without the schemas that need no naming: `int8`, `order_status`, `other.kind`
    not_null: bool
    dimensions: int  # of the array; 0 for a scalar
    table: str | None = None  # where it comes from; None when it is computed
    is_call: bool = False  # the bare result of a function
    is_named: bool = False  # a parameter written @name
    is_slice: bool = False
    is_embed: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One `-- name:` of a query file. Parameters stand in the order of their `$n`."""

    name: str
    command: str  # with its colon: `:one`
    sql: str
    filename: str
    doc: tuple[str, ...]
    columns: tuple[Column, ...]
    parameters: tuple[Column, ...]
    nullness_said: bool  # it has a `-- nullable:` line

    @property
    def place(self) -> str:
        """Where an error message points."""
        return f"{self.filename}: {self.name}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of the default schema."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum type of the default schema."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """All that one run of sqlc hands over."""

    tables: tuple[Table, ...]
    enums: tuple[Enum, ...]
    queries: tuple[Query, ...]
    schema_source: str
    queries_source: str
    row_classes: Mapping[str, str]  # by table, where the naming rule does not do


def parse(raw: bytes) -> Request:
    """Read a request as sqlc writes it to a process plugin with `format: json`."""
    body = json.loads(raw)
    catalog, settings = body["catalog"], body["settings"]
    default = catalog["default_schema"]
    schema = next(each for each in catalog["schemas"] if each["name"] == default)
    return Request(
        tables=tuple(_table(each, default) for each in schema["tables"]),
        enums=tuple(Enum(each["name"], tuple(each["vals"])) for each in schema["enums"]),
        queries=tuple(_query(each, default) for each in body["queries"]),
        schema_source=", ".join(settings["schema"]),
        queries_source=settings["queries"][0],
        row_classes=_row_classes(body.get("plugin_options") or ""),
    )


def _row_classes(options: str) -> Mapping[str, str]:
    parsed = json.loads(base64.b64decode(options) or b"{}")
    if unknown := sorted(set(parsed) - {"row_classes"}):
        raise CodegenError(f"sqlc.yaml: unknown option {', '.join(unknown)}; there is `row_classes`")
    names: Mapping[str, str] = parsed.get("row_classes") or {}
    return names


def _table(body: Json, default: str) -> Table:
    return Table(body["rel"]["name"], tuple(_column(each, default) for each in body["columns"]))


def _query(body: Json, default: str) -> Query:
    parameters = sorted(body["params"], key=lambda each: int(each["number"]))
    comments = [line.strip() for line in body["comments"]]
    said = [line for line in comments if line.startswith(_NULLABLE)]
    selected = body["columns"] if body["cmd"] in {":one", ":many"} else ()  # :exec passes over what is selected
    query = Query(
        name=body["name"],
        command=body["cmd"],
        sql=body["text"].strip(),
        filename=body["filename"],
        doc=tuple("\n".join(line for line in comments if line not in said).strip().splitlines()),
        columns=tuple(_column(each, default) for each in selected),
        parameters=tuple(_column(each["column"], default) for each in parameters),
        nullness_said=bool(said),
    )
    return _with_nullable(query, said)


def _with_nullable(query: Query, said: Iterable[str]) -> Query:
    """Apply `-- nullable: a, b`, for what sqlc takes to be never NULL; `none` agrees with sqlc."""
    names = {name.strip() for line in said for name in line.removeprefix(_NULLABLE).split(",")} - {"none"}
    if unknown := sorted(names - {column.name for column in query.columns}):
        raise CodegenError(f"{query.place}: `-- nullable:` names {', '.join(unknown)}, not a column of it")
    columns = (replace(each, not_null=each.not_null and each.name not in names) for each in query.columns)
    return replace(query, columns=tuple(columns))


def _column(body: Json, default: str) -> Column:
    table = body.get("table") or {}
    return Column(
        name=body["name"],
        type_name=_type_name(body.get("type") or {}, default),
        not_null=body["not_null"],
        dimensions=max(body["array_dims"], int(body["is_array"])),
        table=table.get("name"),
        is_call=body["is_func_call"],
        is_named=body["is_named_param"],
        is_slice=body["is_sqlc_slice"],
        is_embed=bool(body.get("embed_table")),
    )


def _type_name(body: Json, default: str) -> str:
    """sqlc writes a schema into its own field or into the name: `pg_catalog`, `int4`; `pg_catalog.int4`."""
    name = ".".join(part for part in (body.get("schema"), body.get("name")) if part)
    return name.removeprefix("pg_catalog.").removeprefix(f"{default}.")
