"""What a row gave, slice by slice, kept in `.local/chaos/` so that an interrupted run goes on where it stopped."""

import hashlib
import subprocess
from datetime import datetime
from pathlib import Path

import msgspec

from bench.results import Machine
from dev.state import CLONE

FOLDER = CLONE / ".local" / "chaos"
PRODUCT = ("shakerqueue", "consumer", "sql")


class SliceResult(msgspec.Struct, frozen=True, kw_only=True):
    """One slice. `orders_*` count orders by their last word, `requests_*` every attempt."""

    ended_at: datetime
    seconds: float
    faults: int
    orders_ok: int
    orders_refused: int
    orders_unknown: int
    requests: int
    requests_ok: int
    lost: int
    duplicated: int
    invented: int
    slowest_seconds: float
    p99_seconds: float
    witnesses: dict[str, int]
    figures: dict[str, str]
    problems: list[str]


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """All slices of a row so far, of one state of the product."""

    row: str
    product: str  # a digest of the product's sources
    machine: Machine
    slices_wanted: int
    slices: list[SliceResult]

    @property
    def failed(self) -> bool:
        return any(one.problems for one in self.slices)

    @property
    def finished(self) -> bool:
        return len(self.slices) >= self.slices_wanted

    def total(self, count: str) -> int:
        """The sum of one of the slices' counts, such as `orders_ok`."""
        return sum(int(getattr(one, count)) for one in self.slices)


def product_digest() -> str:
    """What the product's sources are now, committed or not."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PRODUCT]
    names = subprocess.run(listed, cwd=CLONE, capture_output=True, check=True).stdout.split(b"\0")
    digest = hashlib.sha256()
    for name in sorted(set(names)):
        path = CLONE / name.decode()
        if name and path.is_file():
            digest.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def path_of(row: str) -> Path:
    """Where a row's result lies: `row-05.json`, `row-14a.json`."""
    number = row.rstrip("abcdefghijklmnopqrstuvwxyz")
    return FOLDER / f"row-{int(number):02}{row.removeprefix(number)}.json"


def read(row: str) -> RowResult | None:
    """What is known of a row; None when it never ran."""
    path = path_of(row)
    return msgspec.json.decode(path.read_bytes(), type=RowResult) if path.exists() else None


def write(result: RowResult) -> None:
    """Keep a row's result; it is there whole or as before."""
    FOLDER.parent.mkdir(mode=0o700, exist_ok=True)
    FOLDER.mkdir(exist_ok=True)
    path = path_of(result.row)
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=2))
    draft.replace(path)


def with_slice(result: RowResult, done: SliceResult) -> RowResult:
    """The result and one slice more."""
    return msgspec.structs.replace(result, slices=[*result.slices, done])
