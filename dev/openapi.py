"""docs/openapi.json, made from the code: `python -m dev.openapi` writes it, with `--check` it is only compared."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from dev.state import CLONE
from shakerqueue.app import describe_api

FILE = CLONE / "docs" / "openapi.json"

Document = Mapping[str, Any]


def main() -> int:
    """Exit code 1 when the file is to be checked, and is not what the code says."""
    wanted = json.dumps(describe_api(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        FILE.write_text(wanted)
        return 0
    if FILE.exists() and FILE.read_text() == wanted:
        return 0
    print(f"{FILE.relative_to(CLONE)} is not what the code says: run `make generate`")
    return 1


def operations(document: Document) -> dict[str, Document]:
    """By name, such as ``GET /orders/{order_id}``, with what they refer to in place."""
    return {
        f"{method.upper()} {path}": _dereferenced(operation, document)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def _dereferenced(node: Any, document: Document) -> Any:
    """The node with what it refers to in place. Nothing in our document refers to itself."""
    if isinstance(node, list):
        return [_dereferenced(each, document) for each in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _dereferenced(_target(node["$ref"], document), document)
    return {name: _dereferenced(each, document) for name, each in node.items()}


def _target(reference: str, document: Document) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


if __name__ == "__main__":
    sys.exit(main())
