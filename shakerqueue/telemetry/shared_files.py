"""The folder in which a part's processes keep their metrics, so that they can be added up.

prometheus-client maps a file for each kind of metric and each process, and finds the folder by its environment
variable when a process imports it. The counts of a process that ended stay; its gauges say how it is now, so they go.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from prometheus_client.metrics_core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from shakerqueue.telemetry.metrics import FILE_BYTES

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
FILES_OF_A_PROCESS = 3  # counters, histograms, gauges
ENDED = "ended"  # in place of a process id: the counts of all processes that have ended

log = structlog.get_logger(__name__)


def share(processes: int, chosen: Path | None = None) -> None:
    """Give the processes that will be started a common folder, a new one unless one is chosen, with room for so many.

    Their files are mapped without reserving space: where the disk is full the kernel kills whoever counts. So without
    room for them each counts for itself, which is better than not to serve.
    """
    if FOLDER not in os.environ:
        os.environ[FOLDER] = str(chosen or _new_folder())
    folder = Path(os.environ[FOLDER])
    try:
        forget_ended(folder)
        check_room(folder, processes * FILES_OF_A_PROCESS * FILE_BYTES)
    except OSError as error:
        log.error("metrics_not_shared", folder=os.environ.pop(FOLDER), reason=str(error))


def _new_folder() -> Path:
    """In memory where there is such a place, and gone when this process ends."""
    in_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    folder = tempfile.mkdtemp(prefix="shakerqueue-metrics-", dir=in_memory if in_memory.is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def check_room(folder: Path, size_bytes: int) -> None:
    """Raises OSError: so much cannot be written into the folder."""
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, size_bytes)


def reserve() -> None:
    """Reserve the space of this process's files, which were made when the metrics were imported."""
    folder = os.environ.get(FOLDER)
    for path in Path(folder).glob(f"*_{os.getpid()}.db") if folder else ():
        with path.open("r+b") as file, suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)


def forget_ended(folder: Path) -> None:
    """Remove the files of processes that have ended. Their counts are kept in a file for all of them.

    So workers that die again and again cost neither room nor the time of whoever reads.
    """
    with _alone(folder):
        for path in folder.glob("*_*.db"):
            pid = path.stem.rpartition("_")[2]
            if pid.isdigit() and not _is_running(int(pid)):
                with suppress(OSError):  # no room for the file of all: it stays, as it is
                    _keep_counts(path)
                    path.unlink()


def _keep_counts(path: Path) -> None:
    """Add the counts of a process to those of all that have ended; gauges are none.

    Raises:
        OSError: there is no room for them.
    """
    kind = path.name.partition("_")[0]
    if kind == "gauge" or not path.stat().st_size:
        return
    kept = path.with_name(f"{kind}_{ENDED}.db")
    with kept.open("ab") as file:
        os.posix_fallocate(file.fileno(), 0, FILE_BYTES)
    counts = MmapedDict(str(kept))  # type: ignore[no-untyped-call]
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
        counts.write_value(key, counts.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
    counts.close()  # type: ignore[no-untyped-call]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While nobody else, of any process, reads or tidies: counts that are on their way would be read twice."""
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


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
    with _alone(folder):
        files = [str(path) for path in folder.glob("*.db") if path.stat().st_size]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
    return metrics
