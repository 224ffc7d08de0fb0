"""The folder in which a part's processes keep their metrics, so that they can be added up.

prometheus-client maps a file for each kind of metric and each process, and finds the folder by its environment
variable when a process imports it. The counts of a process that ended stay; its gauges say how it is now, so they go.
"""

import atexit
import os
import shutil
import struct
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import structlog
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from shakerqueue.telemetry.metrics import FILE_BYTES

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILES_OF_A_PROCESS = 3  # counters, histograms, gauges

log = structlog.get_logger(__name__)


def share(processes: int) -> None:
    """Give the processes that will be started a common folder, where there is room for so many.

    Their files are mapped without reserving space: where the disk is full the kernel kills whoever counts. So without
    room for them each counts for itself, which is better than not to serve.
    """
    if FOLDER not in os.environ:
        in_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
        folder = tempfile.mkdtemp(prefix="shakerqueue-metrics-", dir=in_memory if in_memory.is_dir() else None)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[FOLDER] = folder
    forget_ended(Path(os.environ[FOLDER]))
    if not has_room(Path(os.environ[FOLDER]), processes * FILES_OF_A_PROCESS * FILE_BYTES):
        log.error("metrics_not_shared", folder=os.environ.pop(FOLDER), reason="no room")


def has_room(folder: Path, size_bytes: int) -> bool:
    """Whether so much can be written into the folder."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError:
        return False
    return True


def reserve() -> None:
    """Reserve the space of this process's files, which were made when the metrics were imported."""
    folder = os.environ.get(FOLDER)
    for path in Path(folder).glob(f"*_{os.getpid()}.db") if folder else ():
        with path.open("r+b") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)


def forget_ended(folder: Path) -> None:
    """Remove the gauges of processes that have ended, and give back what their counts do not need of their space."""
    for path in folder.glob("*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_running(int(pid)):
            with suppress(OSError):  # another process may be about the same
                if path.name.startswith("gauge_live"):
                    path.unlink()
                else:
                    _cut(path)


def _cut(path: Path) -> None:
    """To what is used of it, which its first four bytes tell."""
    with path.open("r+b") as file:
        head = file.read(4)
        used = struct.unpack("i", head)[0] if len(head) == len(struct.pack("i", 0)) else 0
        if 0 < used < path.stat().st_size:
            file.truncate(used)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def read(folder: Path) -> Iterable[Metric]:
    """All metrics of the folder, added up over its processes.

    The empty file of a process that has just begun is passed over.
    """
    files = [str(path) for path in folder.glob("*.db") if path.stat().st_size]
    metrics: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
    return metrics
