"""PostgreSQL types to Python types, as psycopg 3 loads and dumps them."""

from collections.abc import Collection
from dataclasses import dataclass

from .errors import CodegenError
from .naming import camel
from .request import Column

_SPELLINGS = {
    "JSON": ("json", "jsonb"),
    "Decimal": ("numeric", "decimal"),
    "UUID": ("uuid",),
    "bool": ("bool", "boolean"),
    "bytes": ("bytea",),
    "date": ("date",),
    "datetime": ("timestamp", "timestamp without time zone", "timestamp with time zone", "timestamptz"),
    "float": ("double precision", "float", "float4", "float8", "real"),
    "int": (
        *("bigint", "bigserial", "int", "int2", "int4", "int8", "integer"),
        *("serial", "serial2", "serial4", "serial8", "smallint", "smallserial"),
    ),
    "str": ("bpchar", "char", "character", "character varying", "citext", "name", "text", "varchar"),
    "time": ("time", "time without time zone"),
    "timedelta": ("interval",),
}
_SCALARS = {spelling: python for python, spellings in _SPELLINGS.items() for spelling in spellings}

# Types without a fixed oid: psycopg hands an array of them over as its text.
_NO_ARRAY_LOADER = frozenset({"citext"})


@dataclass(frozen=True, slots=True)
class PythonType:
    """What a column or parameter is in Python."""

    scalar: str  # `UUID`, `OrderStatus`
    nullable: bool = False
    is_array: bool = False
    is_enum: bool = False
    wrapper: str = ""  # psycopg's class that dumps a JSON value

    def annotation(self, sequence: str = "list") -> str:
        """As written in a signature: `list[UUID] | None`."""
        core = f"{sequence}[{self.scalar}]" if self.is_array else self.scalar
        return f"{core} | None" if self.nullable and core != "JSON" else core

    @property
    def loaded(self) -> "PythonType":
        """What psycopg itself makes of it: an enum comes as text."""
        return PythonType("str" if self.is_enum else self.scalar, self.nullable, self.is_array)

    def convert(self, value: str) -> str:
        """The expression that makes a loaded value this type."""
        if not self.is_enum:
            return value
        return self._unless_null(value, f"{self.scalar}({value})")

    def dump(self, value: str) -> str:
        """The expression that psycopg is given: a list (a tuple would be a record), JSON in its wrapper."""
        if self.is_array and self.wrapper:
            return self._unless_null(value, f"[{self.wrapper}(each) for each in {value}]")
        if self.is_array:
            return self._unless_null(value, f"list({value})")
        return self._unless_null(value, f"{self.wrapper}({value})") if self.wrapper else value

    def _unless_null(self, value: str, expression: str) -> str:
        return f"None if {value} is None else {expression}" if self.nullable else expression


def python_type(column: Column, enums: Collection[str], place: str) -> PythonType:
    """The Python type of a column of the schema or of a parameter."""
    scalar = camel(column.type_name) if column.type_name in enums else _SCALARS.get(column.type_name)
    if scalar is None:
        hint = "add it to sql/codegen/python_types.py, or cast: (…)::type"
        raise CodegenError(f"{place}: there is no Python type for `{column.type_name}`; {hint}")
    if column.dimensions > 1:
        raise CodegenError(f"{place}: arrays of more than one dimension are not supported")
    return PythonType(
        scalar=scalar,
        nullable=not column.not_null,
        is_array=column.dimensions == 1,
        is_enum=column.type_name in enums,
        wrapper={"json": "Json", "jsonb": "Jsonb"}.get(column.type_name, ""),
    )


def result_type(column: Column, enums: Collection[str], place: str) -> PythonType:
    """The Python type of a result's column; what psycopg cannot load as such is refused."""
    found = python_type(column, enums, place)
    if found.is_array and (found.is_enum or column.type_name in _NO_ARRAY_LOADER):
        raise CodegenError(f"{place}: psycopg loads `{column.type_name}[]` as one text; cast: (…)::text[]")
    return found
