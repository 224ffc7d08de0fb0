"""The product's counters are added up over its processes, whatever state their files are in."""

import os
import subprocess
import sys
from pathlib import Path

from shakerqueue.telemetry.metrics import ORDERS_ACCEPTED
from tests.chaos.counters import Counters

COUNT = "from shakerqueue.telemetry.metrics import *; [ORDERS_ACCEPTED.labels(by).inc() for by in AcceptedBy]"


def count_in_a_process(folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", COUNT], check=True, env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    )


def test_counts_of_processes_that_ended_stay(tmp_path: Path) -> None:
    counters = Counters(tmp_path)
    assert 0 == counters.total(ORDERS_ACCEPTED)
    for _ in range(2):
        count_in_a_process(tmp_path)
    assert 6 == counters.total(ORDERS_ACCEPTED)
    assert 2 == counters.total(ORDERS_ACCEPTED, by="broker")


def test_the_empty_file_of_a_process_that_has_just_started_is_passed_over(tmp_path: Path) -> None:
    count_in_a_process(tmp_path)
    (tmp_path / "counter_1.db").touch()
    assert 1 == Counters(tmp_path).total(ORDERS_ACCEPTED, by="broker")
