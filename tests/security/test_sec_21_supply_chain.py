"""What others wrote is pinned by its hash; and what strangers may send was tried ten thousand times."""

import re
import tomllib
from datetime import UTC, date, datetime

import pytest

from dev.lock import FILES
from dev.state import CLONE

LEAST_REQUESTS = 10_000
RUN = re.compile(r"^- (?P<date>[\d-]{10}), `make fuzz SEED=\d+ REQUESTS=(?P<requests>\d+)`, schemathesis", re.MULTILINE)
RELIABILITY = (CLONE / "docs" / "reliability.md").read_text("utf-8")


@pytest.mark.parametrize("name", FILES)
def test_sec_21_every_locked_package_has_one_version_and_its_hashes(name: str) -> None:
    lines = (CLONE / name).read_text().replace("\\\n", " ").splitlines()
    pinned = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert pinned
    form = re.compile(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+( ; .*?)?\s+(--hash=sha256:[0-9a-f]{64}\s*)+")
    assert [] == [line for line in pinned if not form.fullmatch(line)]


def test_sec_21_what_is_installed_is_the_lock_with_its_hashes() -> None:
    for name in ("Dockerfile", "dev/install.py"):
        assert "--require-hashes" in (CLONE / name).read_text(), name


def fuzz_section() -> str:
    found = re.search(r"<!-- fuzz: .*?-->\n(.*?)\n<!-- /fuzz -->", RELIABILITY, re.DOTALL)
    assert found
    return found[1]


def test_sec_21_ten_thousand_requests_made_up_from_the_contract_gave_no_5xx() -> None:
    """The figures of the last `make fuzz`, as they are documented."""
    head, _, *rows = [line for line in fuzz_section().splitlines() if line.startswith("|")]
    columns = [cell.strip() for cell in head.strip("|").split("|")]
    total = dict(zip(columns, (cell.strip() for cell in rows[-1].strip("|").split("|")), strict=True))
    assert "all" == total["caller"]
    assert int(total["requests"].replace(",", "")) >= LEAST_REQUESTS
    assert ("0", "0") == (total["5xx"], total["violations"])


def test_sec_21_the_run_is_dated_and_can_be_repeated() -> None:
    said = RUN.search(fuzz_section())
    assert said
    assert date.fromisoformat(said["date"]) <= datetime.now(UTC).date()
    assert int(said["requests"]) >= LEAST_REQUESTS


def test_sec_21_no_check_of_it_is_switched_off() -> None:
    """What is excused is excused one by one, with its reason, in docs/reliability.md."""
    settings = tomllib.loads((CLONE / "tests" / "fuzz" / "schemathesis.toml").read_text())
    assert [] == [part for part in (settings, *settings["operations"]) if {"checks", "enabled"} & set(part)]
