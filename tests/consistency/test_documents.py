"""Each link of the documents leads somewhere: to a file that there is, and to a heading of it."""

from pathlib import Path

import pytest

from tests.support.compose import REPOSITORY
from tests.support.documents import documents, leads_somewhere, links


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [] == [link for link in links(document) if not leads_somewhere(document, link)]


@pytest.mark.parametrize("link", ["docs/operations.md#live-letters", "docs/operation.md", "#nowhere"])
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    readme = REPOSITORY / "README.md"
    assert leads_somewhere(readme, "docs/operations.md#dead-letters")
    assert not leads_somewhere(readme, link)
