"""What sqlc lets through and gets wrong, each refused with what to write instead.

sqlc types an expression without knowing the types of its operands: the result of arithmetic is always `int`,
a function's is that of some overload with as many arguments, a parameter's type is that of what stands beside
it. All of this was seen with sqlc 1.31.1. A cast in the query settles every such case.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from .naming import identifier
from .request import Column, Query

_LITERALS = re.compile(
    r"""
      (?P<dollar>\$(?:[A-Za-z_]\w*)?\$) .*? (?P=dollar)  # $$ … $$
    | [eE]'(?:[^'\\]|\\.|'')*'                            # E'…' with backslashes
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | --[^\n]*
    | /\*.*?\*/
    """,
    re.VERBOSE | re.DOTALL,
)
_SENTENCE_END = re.compile(r"[.?!][\"')`]*$")
_UNBOUND = re.compile(r"@([A-Za-z_]\w*)")
_ANY = re.compile(r"\b(?:any|all|some)\s*\(\s*\$(\d+)\s*\)", re.IGNORECASE)
_OPERATOR = re.compile(r"([-+*/<>=~!@#%^&|?]+)\s*\$(\d+)(?!\d|\s*::)|\$(\d+)\s*([-+*/<>=~!@#%^&|?]+)")
_COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_ROW = re.compile(r"[<>=]\s*\(([^()]*,[^()]*)\)")
_BARE = re.compile(r"\$(\d+)(?!\d|\s*::)")
# Subqueries that can come to no row: outer-joined ones, and those that stand for a value, other than of a count.
_EMPTY_SUBQUERY = re.compile(
    r"\b(?:left|right|full)\s+(?:outer\s+)?join\s+(?:lateral\s+)?\(|(?:,|\bselect)\s*\(select\b(?!\s+count\()",
    re.IGNORECASE,
)
_CAN_BE_NULL = re.compile(
    r"""
      -> | \#>
    | (?<!coalesce\()
      \b (?:avg|max|min|sum|every|bool_and|bool_or|\w+_agg|percentile_\w+|nullif|lag|lead|nth_value) \s* \(
    """,
    re.VERBOSE | re.IGNORECASE,
)
_OVERLOADED = re.compile(r"\b(?:abs|div|mod|sum)\s*\(", re.IGNORECASE)

# The result types of functions that sqlc was never seen to choose among overloads wrongly.
_SETTLED_CALLS = frozenset(
    {"bigint", "boolean", "integer", "json", "jsonb", "text", "timestamp with time zone", "uuid"},
)
# What sqlc calls the results of operators and the types of number literals; a cast has another spelling.
_GUESSES = frozenset({"int", "float"})


def find(query: Query) -> Iterator[str]:
    """Yield what is wrong with a query, as sentences without their place."""
    for trap in _TRAPS:
        yield from trap(query)


def _missing_comment(query: Query) -> Iterator[str]:
    if not query.doc or not _SENTENCE_END.search(query.doc[-1]):
        yield "write a comment of at least one sentence under its name; it becomes the docstring"


def _unbound(query: Query) -> Iterator[str]:
    for name in _UNBOUND.findall(_code(query)):
        yield f"@{name} is not bound, since sqlc took `@` for a part of an operator; put a space before it"


def _positional(query: Query) -> Iterator[str]:
    for number, parameter in enumerate(query.parameters, 1):
        if not parameter.is_named:
            yield f"${number} has no name of its own; write @{parameter.name or 'name'}"


def _slice(query: Query) -> Iterator[str]:
    for parameter in query.parameters:
        if parameter.is_slice:
            yield f"sqlc.slice is not supported; write = ANY(@{parameter.name}::type[])"


def _embed(query: Query) -> Iterator[str]:
    for column in query.columns:
        if column.is_embed:
            yield f"sqlc.embed({column.name}) is not supported; name the columns"


def _scalar_any(query: Query) -> Iterator[str]:
    for number in _ANY.findall(_code(query)):
        if not _parameter(query, number).dimensions:
            name = _name(query, number)
            yield f"{name} is typed as one value, yet ANY takes an array; cast it: {name}::type[]"


def _operand(query: Query) -> Iterator[str]:
    for before, right, left, after in _OPERATOR.findall(_code(query)):
        operator, number = (before, right) if right else (after, left)
        if operator not in _COMPARISONS:
            name = _name(query, number)
            yield f"{name} takes the type of the other side of `{operator}`; cast it: {name}::type"


def _row_comparison(query: Query) -> Iterator[str]:
    for row in _ROW.findall(_code(query)):
        for number in _BARE.findall(row):
            name = _name(query, number)
            yield f"{name} takes the type of the row's first column; cast it: {name}::type"


def _guessed(query: Query) -> Iterator[str]:
    for column in _computed(query):
        if column.type_name in _GUESSES and not column.dimensions:
            yield f"sqlc calls `{column.name}` {column.type_name} without knowing it; cast it: (…)::type"


def _overload(query: Query) -> Iterator[str]:
    for column in _computed(query):
        unsettled = column.type_name not in _SETTLED_CALLS or _OVERLOADED.search(_code(query))
        if column.is_call and unsettled:
            guess = f"guesses that the function for `{column.name}` returns {column.type_name}"
            yield f"sqlc {guess}; cast it: (…)::type"


def _nullness(query: Query) -> Iterator[str]:
    computed = any(column.not_null for column in _computed(query))
    unclear = _EMPTY_SUBQUERY.search(_code(query)) or (computed and _CAN_BE_NULL.search(_code(query)))
    if query.columns and unclear and not query.nullness_said:
        found = unclear.group().strip(", ")
        cause = f"sqlc cannot tell whether `{f'{found}…)' if '(' in found else found}` makes a column NULL"
        yield f"{cause}; add a line `-- nullable: a, b` with those that can be, or `-- nullable: none`"


def _same_name(query: Query) -> Iterator[str]:
    for name in _repeated(query.columns):
        yield f"two columns are called {name}; tell them apart with AS"
    for name in _repeated(query.parameters):
        yield f"two parameters are called {name}; rename one"


def _code(query: Query) -> str:
    """The SQL without what may hold anything: literals, quoted names and comments."""
    return re.sub(r"\s+", " ", _LITERALS.sub("''", query.sql)).replace("( ", "(")


def _computed(query: Query) -> Iterator[Column]:
    return (column for column in query.columns if column.table is None)


def _repeated(columns: Iterable[Column]) -> Iterator[str]:
    counts = Counter(identifier(column.name) for column in columns)
    return (name for name, count in counts.items() if count > 1)


def _parameter(query: Query, number: str) -> Column:
    return query.parameters[int(number) - 1]


def _name(query: Query, number: str) -> str:
    return f"@{_parameter(query, number).name}"


_TRAPS: tuple[Callable[[Query], Iterator[str]], ...] = (
    *(_missing_comment, _unbound, _positional, _slice, _embed, _scalar_any, _operand),
    *(_row_comparison, _guessed, _overload, _nullness, _same_name),
)
