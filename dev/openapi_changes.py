"""Whether docs/openapi.json still promises what docs/openapi-baseline.json, the contract of the last release, promised.

`python -m dev.openapi_changes` names each change that could break a client; docs/compatibility.md says which those are.
With `--release` the present contract becomes the one that later ones are compared with.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from dev.openapi import FILE, Document, operations
from dev.schema_changes import Changes, answer_changes, default_changes, request_changes

BASELINE = FILE.with_name("openapi-baseline.json")
# One of several roles is enough, so one more is no harm. Scopes are all needed: they must stay what they were.
ROLE_SCHEMES = frozenset({"accessToken", "pageSession"})

Requirement = Mapping[str, list[str]]


def main() -> int:
    """Exit code 1 when something would break; each such change on a line."""
    if "--release" in sys.argv[1:]:
        BASELINE.write_text(FILE.read_text())
        return 0
    found = breaking_changes(json.loads(BASELINE.read_text()), json.loads(FILE.read_text()))
    for change in found:
        print(f"breaks clients: {change}")
    return 1 if found else 0


def breaking_changes(old: Document, new: Document) -> list[str]:
    """What a client of the old contract could not rely on any more under the new one, each in words."""
    before, after = operations(old), operations(new)
    gone = [f"{name} is gone" for name in before.keys() - after.keys()]
    return [
        *sorted(gone),
        *_server_changes(old.get("servers", []), new.get("servers", [])),
        *_scheme_changes(_schemes(old), _schemes(new)),
        *(change for name in before if name in after for change in _operation_changes(name, before[name], after[name])),
    ]


def _server_changes(old: list[Document], new: list[Document]) -> Changes:
    for url in [each["url"] for each in old]:
        if url not in [each["url"] for each in new]:
            yield f"server {url} is gone"


def _schemes(document: Document) -> dict[str, Document]:
    found: dict[str, Document] = document["components"].get("securitySchemes", {})
    return found


def _scheme_changes(old: dict[str, Document], new: dict[str, Document]) -> Changes:
    """How credentials are shown. Whether an operation still takes them, its `security` says."""
    for name in old.keys() & new.keys():
        for key in ("type", "scheme", "in", "name"):
            if old[name].get(key) != new[name].get(key):
                yield f"security scheme {name}: {key} {old[name].get(key)} is {new[name].get(key)} now"


def _operation_changes(name: str, old: Document, new: Document) -> Changes:
    if old["operationId"] != new["operationId"]:
        yield f"{name}: operationId {old['operationId']} is {new['operationId']} now"
    if not _still_lets_in(old["security"], new["security"]):
        yield f"{name}: security is {json.dumps(new['security'])} now"
    yield from _parameter_changes(name, _parameters(old), _parameters(new))
    yield from _body_changes(name, old.get("requestBody", {}), new.get("requestBody", {}))
    yield from _response_changes(name, old["responses"], new["responses"])


def _still_lets_in(old: list[Requirement], new: list[Requirement]) -> bool:
    """Whether every way in is still one. An empty list stands for: anyone."""
    if not new:
        return True
    return bool(old) and all(any(_is_as_wide(before, after) for after in new) for before in old)


def _is_as_wide(old: Requirement, new: Requirement) -> bool:
    return old.keys() == new.keys() and all(
        set(old[scheme]) <= set(new[scheme]) if scheme in ROLE_SCHEMES else old[scheme] == new[scheme] for scheme in old
    )


def _parameters(operation: Document) -> dict[str, Document]:
    return {f"{each['in']} parameter {each['name']}": each for each in operation.get("parameters", [])}


def _parameter_changes(name: str, old: dict[str, Document], new: dict[str, Document]) -> Changes:
    for key, parameter in old.items():
        if key not in new:
            yield f"{name}: {key} is gone"
            continue
        yield from request_changes(f"{name}: {key}", parameter["schema"], new[key]["schema"])
        if not parameter.get("required"):
            yield from default_changes(f"{name}: {key}", parameter["schema"], new[key]["schema"])
    for key, parameter in new.items():
        if parameter.get("required") and not old.get(key, {}).get("required"):
            yield f"{name}: {key} is needed now"


def _body_changes(name: str, old: Document, new: Document) -> Changes:
    if new.get("required") and not old.get("required"):
        yield f"{name}: a body is needed now"
    taken = new.get("content", {})
    for media_type, content in old.get("content", {}).items():
        if media_type in taken:
            yield from request_changes(f"{name}: body", content["schema"], taken[media_type]["schema"])
        else:
            yield f"{name}: a body of {media_type} is taken no more"


def _response_changes(name: str, old: Document, new: Document) -> Changes:
    for status, response in old.items():
        if status not in new:
            yield f"{name}: {status} is gone"
            continue
        where, other = f"{name}: {status}", new[status]
        yield from _header_changes(where, response.get("headers", {}), other.get("headers", {}))
        yield from _content_changes(where, response.get("content", {}), other.get("content", {}))


def _header_changes(name: str, old: Document, new: Document) -> Changes:
    for header, said in old.items():
        if header not in new:
            yield f"{name}: header {header} is gone"
            continue
        if said.get("required") and not new[header].get("required"):
            yield f"{name}: header {header} is not always there any more"
        yield from answer_changes(f"{name}: header {header}", said["schema"], new[header]["schema"])


def _content_changes(name: str, old: Document, new: Document) -> Changes:
    for media_type, content in old.items():
        if media_type not in new:
            yield f"{name}: {media_type} is gone"
            continue
        yield from answer_changes(f"{name}: body", content["schema"], new[media_type]["schema"])
        for code in _codes(content) - _codes(new[media_type]):
            yield f"{name}: code {code} is gone"


def _codes(content: Document) -> set[str]:
    """The kinds of error that an answer may be or hold: there is an example of each."""
    return {code for each in content.get("examples", {}).values() for code in problem_codes(each["value"])}


def problem_codes(answer: Any) -> set[str]:
    """The codes of the error that a body is, and of those that are outcomes in a list of it."""
    problems = [answer, *(each.get("error") for each in _listed(answer))]
    return {problem["code"] for problem in problems if isinstance(problem, dict) and "request_id" in problem}


def _listed(answer: Any) -> Iterator[Document]:
    lists = [member for member in answer.values() if isinstance(member, list)] if isinstance(answer, dict) else []
    return (each for listed in lists for each in listed if isinstance(each, dict))


if __name__ == "__main__":
    sys.exit(main())
