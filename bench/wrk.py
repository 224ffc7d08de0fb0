"""Drives a server with wrk and reads what it found."""

import os
import subprocess
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.figures import MICROSECONDS_PER_SECOND
from dev.debian import ensure_program
from dev.servers import ServerError, launched

SCRIPT = Path(__file__).with_name("place_order.lua")
ORDER = '{"recipe":"Margarita"}'
TIMEOUT = "5s"  # above the API's own deadline of 2.8 s: what it refuses in time is counted as refused
MICROSECONDS_PER_MILLISECOND = 1_000


class Load(msgspec.Struct, frozen=True):
    """What wrk saw in one go; times are in microseconds.

    `not_accepted` counts answers other than 202, or 200 where batches are sent.
    """

    answers: int
    duration_us: int
    p50_us: int
    p99_us: int
    not_accepted: int
    first_other_status: int
    socket_errors: int

    @property
    def accepted(self) -> int:
        """Answers that were 202."""
        return self.answers - self.not_accepted

    @property
    def accepted_per_second(self) -> float:
        """Orders accepted per second."""
        return self.accepted * MICROSECONDS_PER_SECOND / self.duration_us

    @property
    def p50_ms(self) -> float:
        """The median."""
        return self.p50_us / MICROSECONDS_PER_MILLISECOND

    @property
    def p99_ms(self) -> float:
        """What 99 of 100 answers took at most."""
        return self.p99_us / MICROSECONDS_PER_MILLISECOND

    @property
    def problems(self) -> list[str]:
        """Why this figure must not count, in words."""
        found = []
        if self.not_accepted:
            found.append(f"{self.not_accepted} answers other than 202, the first of them {self.first_other_status}")
        if self.socket_errors:
            found.append(f"{self.socket_errors} connections failed or timed out")
        if not self.accepted:
            found.append("no order was accepted")
        return found


def place_orders(
    url: str, token: str, *, connections: int, seconds: int, with_keys: bool = False, batch: int = 0
) -> Load:
    """Place orders for that long over so many connections, each with one request at a time.

    With a new Idempotency-Key each if wanted; with a `batch`, so many of them in one request.

    Raises:
        ServerError: wrk failed.
    """
    settings = {"BENCH_TOKEN": token, "BENCH_BODY": ORDER}
    if with_keys or batch:
        settings |= {"BENCH_KEYS": f"{uuid4().hex}-", "BENCH_BATCH": str(batch)}
    finished = subprocess.run(
        launched(
            [ensure_program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", TIMEOUT, "-s", SCRIPT, url]
        ),
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise ServerError(f"wrk failed: {finished.stdout}{finished.stderr}")
    return parse(finished.stdout)


def parse(output: str) -> Load:
    """Find our script's line among what wrk prints by itself.

    Raises:
        ServerError: there is no such line.
    """
    for line in output.splitlines():
        if line.startswith("{"):
            return msgspec.json.decode(line, type=Load)
    raise ServerError(f"wrk printed no figures: {output}")
