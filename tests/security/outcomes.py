"""What a run of the security checks gave, read from the JUnit file that pytest wrote of it."""

import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from dev.state import CLONE

FILE = CLONE / ".local" / "security" / "last.xml"
NAME = re.compile(r"test_sec_(?P<number>\d\d)_(?P<says>\w+)")
ENDS = ("failure", "error", "skipped")  # what a case holds that did not pass


class Case(NamedTuple):
    """One test, or one of its parameters."""

    number: int
    file: str
    says: str  # the name without what all have in common
    end: str  # "passed", or one of ENDS
    figures: list[str]


@dataclass(frozen=True, slots=True)
class Run:
    """All cases that have a number, and when they were run."""

    began_at: datetime
    cases: list[Case]

    def of(self, number: int) -> list[Case]:
        """The cases of one check."""
        return [case for case in self.cases if case.number == number]


def read(file: Path = FILE) -> Run | None:
    """The last run; None when there was none."""
    if not file.exists():
        return None
    suite = ET.parse(file).getroot().find("testsuite")  # noqa: S314 - pytest wrote it
    assert suite is not None, "pytest writes one"
    cases = [case for element in suite.iter("testcase") if (case := _case(element))]
    return Run(datetime.fromisoformat(suite.attrib["timestamp"]), cases)


def _case(element: ET.Element) -> Case | None:
    named = NAME.match(element.attrib["name"])
    if named is None:
        return None
    [end, *_] = [*(child.tag for child in element if child.tag in ENDS), "passed"]
    figures = [it.attrib["value"] for it in element.iter("property") if it.attrib["name"] == "figures"]
    return Case(int(named["number"]), element.attrib["file"], named["says"], end, figures)


def counted(cases: Iterable[Case]) -> str:
    """How they ended, such as ``12 passed, 1 skipped``."""
    ends = Counter(case.end for case in cases)
    return ", ".join(f"{ends[end]} {end}" for end in ("passed", *ENDS) if ends[end]) or "not run"
