"""What a run found: every round as it was measured, and the figures that are made from the rounds."""

import os
from datetime import datetime
from operator import attrgetter
from pathlib import Path

import msgspec

from bench.figures import Spread
from dev.state import CLONE

FOLDER = Path(os.environ.get("BENCH_FOLDER", CLONE / ".local" / "bench"))


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One contender under load for a few seconds."""

    contender: str
    connections: int
    number: int  # from 1
    accepted: int  # answers that were 202
    accepted_per_second: float
    p50_ms: float
    p99_ms: float
    orders_in_queue: int  # found in the queue afterwards
    messages_in_queue: int
    problems: list[str]  # why the figures must not count


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it was measured on."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    load_average: float  # of the minute before the run: shows what else was going on

    @property
    def told(self) -> str:
        """Hardware and software, in a line."""
        hardware = f"{self.cpu}, {self.cores} cores, {self.memory_gib:.0f} GiB"
        return f"{hardware}; {self.system}; Python {self.python}"


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run. `packages` holds versions by package, for each contender."""

    measured_at: datetime
    command: str
    machine: Machine
    servers: str  # broker and database, with their versions
    seconds: int  # each round
    with_keys: bool = False  # each order with an Idempotency-Key of its own
    packages: dict[str, dict[str, str]]
    rounds: list[Round]

    @property
    def part(self) -> str:
        """Its name in the document's markers."""
        return "keys" if self.with_keys else "intake"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """One contender at one number of connections, over the rounds that count."""

    contender: str
    connections: int
    rounds: int
    per_second: Spread
    p50_ms: Spread
    p99_ms: Spread


def summaries(results: Results) -> list[Summary]:
    """By connections, and in the order in which the contenders ran. One without a round that counts is missing."""
    groups: dict[tuple[int, str], list[Round]] = {}
    for measured in sorted(valid_rounds(results), key=attrgetter("connections")):
        groups.setdefault((measured.connections, measured.contender), []).append(measured)
    return [_summary(rounds) for rounds in groups.values()]


def _summary(rounds: list[Round]) -> Summary:
    return Summary(
        contender=rounds[0].contender,
        connections=rounds[0].connections,
        rounds=len(rounds),
        per_second=Spread.of([measured.accepted_per_second for measured in rounds]),
        p50_ms=Spread.of([measured.p50_ms for measured in rounds]),
        p99_ms=Spread.of([measured.p99_ms for measured in rounds]),
    )


def valid_rounds(results: Results) -> list[Round]:
    """Those that count."""
    return [measured for measured in results.rounds if not measured.problems]


def ratio(results: Results, first: str, second: str, connections: int) -> Spread | None:
    """Accepted orders per second of the first contender to those of the second, of rounds that ran side by side.

    None when no such pair counts.
    """
    rates = {
        (measured.contender, measured.number): measured.accepted_per_second
        for measured in valid_rounds(results)
        if measured.connections == connections
    }
    numbers = [number for name, number in rates if name == first and (second, number) in rates]
    return Spread.of([rates[first, number] / rates[second, number] for number in numbers]) if numbers else None


def write(results: Results) -> Path:
    """Write a run's results where `newest` finds them; the path."""
    FOLDER.parent.mkdir(mode=0o700, exist_ok=True)
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{results.part}-{results.measured_at:%Y-%m-%d-%H%M%S}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2))
    return path


def read(path: Path) -> Results:
    """Results that `write` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def newest(part: str) -> Path | None:
    """The results of a part's last run; None when it was not measured yet."""
    return max(FOLDER.glob(f"{part}-*.json"), default=None)
