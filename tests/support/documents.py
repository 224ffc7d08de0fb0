"""The documents as whoever follows their links sees them."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.compose import REPOSITORY

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SCHEME = re.compile(r"\w+:")


def documents() -> list[Path]:
    """All of the product's."""
    return sorted(path for place in ("*.md", "docs/**/*.md", "examples/**/*.md") for path in REPOSITORY.glob(place))


def links(document: Path) -> Iterator[str]:
    """Those that stay in the repository."""
    return (link for link in LINK.findall(_prose(document)) if not SCHEME.match(link))


def leads_somewhere(document: Path, link: str) -> bool:
    """Whether a link of a document names a file that there is, and a heading of it where it names one."""
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or anchor in _anchors(target))


def variables(document: Path) -> dict[str, str]:
    """The names of a document's table of settings, each with what stands there as its default."""
    found: dict[str, str] = {}
    for names, defaults in re.findall(r"^\| (`[A-Z][A-Z_, `]+`) \| ([^|]+) \|", document.read_text(), re.MULTILINE):
        told = [default.strip("`") for default in defaults.split(", ")]
        found.update(zip(re.findall(r"\w+", names), told, strict=True))
    return found


def _anchors(document: Path) -> set[str]:
    return {_anchor(heading) for heading in re.findall(r"^#+ (.+)$", _prose(document), re.MULTILINE)}


def _anchor(heading: str) -> str:
    """As GitHub makes it."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _prose(document: Path) -> str:
    return FENCED.sub("", document.read_text())
