"""A request as Python modules: `models.py`, `__init__.py` and one module per query file."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

from . import traps
from .errors import CodegenError, ManyCodegenError
from .models import Models
from .module import assemble, header
from .naming import identifier
from .queries import render_query
from .request import Query, Request

_RESERVED = frozenset({"__init__", "models"})


def render(request: Request) -> dict[str, str]:
    """Render every file, by name. All that is wrong with the request is raised at once."""
    models = Models(request)
    problems: list[str] = []
    files = {}
    for filename, queries in _by_file(request.queries).items():
        try:
            name = _module_name(filename)
            files[f"{name}.py"] = _module(_source(request, filename), queries, models)
        except CodegenError as error:
            problems.append(str(error))
    if problems:
        raise ManyCodegenError(problems)
    files["models.py"] = assemble(request.schema_source, models.render(), {})
    files["__init__.py"] = _package(request.queries_source)
    return files


def _by_file(queries: Iterable[Query]) -> dict[str, list[Query]]:
    files = defaultdict(list)
    for query in queries:
        files[query.filename].append(query)
    return dict(files)


def _module(source: str, queries: Iterable[Query], models: Models) -> str:
    problems: list[str] = []
    parts: list[str] = []
    for query in queries:
        found = [f"{query.place}: {problem}" for problem in traps.find(query)]
        try:
            parts.extend([] if found else render_query(query, models))
        except CodegenError as error:
            found.append(str(error))
        problems.extend(found)
    if problems:
        raise ManyCodegenError(problems)
    return assemble(source, parts, dict.fromkeys(models.names, ".models"))


def _source(request: Request, filename: str) -> str:
    folder = request.queries_source
    return folder if folder.endswith(filename) else f"{folder}/{filename}"


def _module_name(filename: str) -> str:
    name = PurePath(filename).stem
    if name in _RESERVED or name != identifier(name):
        raise CodegenError(f"{filename}: cannot be a module called {name}; rename the file")
    return name


def _package(source: str) -> str:
    doc = f'"""The queries: a module per file of {source}/; `models` has the tables and enums."""'
    return f"{header(source)}\n{doc}\n"
