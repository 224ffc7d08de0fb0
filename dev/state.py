"""Where the private servers keep data, logs and passwords: one folder per clone, never shared."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dev.account import reachable, unprivileged

CLONE = Path(__file__).resolve().parent.parent
ROOTS_STATE = Path("/var/lib/shakerqueue")
MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there has a name of its own, and is closed to others
MEMORY_BYTES = 2 << 30  # several times what the tests' servers fill; a container's usual 64 MB are left alone


class AlreadyRunningError(RuntimeError):
    """Another supervisor holds this clone's state."""


def clone_folder() -> Path:
    """This clone's own folder: `.local/` in the clone; for root, one that the servers' account can reach.

    A clone of root's lies in /root as a rule, which is closed to everyone else and has to stay so.
    """
    if unprivileged() is None:
        return CLONE / ".local"
    digest = hashlib.sha256(bytes(CLONE)).hexdigest()[:12]
    return ROOTS_STATE / f"{CLONE.name}-{digest}"


def folder() -> Path:
    """The folder of `make run`: SHAKERQUEUE_STATE_DIR when set, else this clone's own. Made where missing."""
    chosen = os.environ.get("SHAKERQUEUE_STATE_DIR")
    return make(Path(chosen).resolve() if chosen else clone_folder())


def make(path: Path) -> Path:
    """Make a state folder: closed to others, except that root's lets the servers' account pass through.

    Raises:
        OSError: a folder above is closed to the servers' account.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    if unprivileged():
        path.chmod(0o711)
    if not reachable(path):
        raise OSError(f"{path} cannot hold servers' data: a folder above it keeps out `nobody`, who runs them")
    return path


@contextlib.contextmanager
def temporary(*, in_memory: bool = False) -> Iterator[Path]:
    """Lend a throw-away state folder; it is gone afterwards, with all that was in it.

    `in_memory` asks for a file system in memory, which is used where there is one with room to spare.
    """
    usual = MEMORY if in_memory and _has_room(MEMORY) else Path(tempfile.gettempdir())
    above = usual if reachable(usual) else make(clone_folder())
    path = Path(tempfile.mkdtemp(prefix="shakerqueue-", dir=above))
    try:
        yield make(path)
    finally:
        shutil.rmtree(path)


def _has_room(memory: Path) -> bool:
    return memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= MEMORY_BYTES


def closed_folder(state: Path, name: str) -> Path:
    """A folder in the state that only the developer can read."""
    path = state / name
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def secret(state: Path, name: str) -> str:
    """A random secret (64 hex digits), made at first use and kept (0600) from then on."""
    path = closed_folder(state, "secrets") / name
    if not path.exists():
        fresh = path.with_name(f".{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):  # another process was first: its secret counts
            path.hardlink_to(fresh)
        fresh.unlink()
    return path.read_text()


def log_file(state: Path, name: str) -> Path:
    """Where a part of that name writes its log."""
    return closed_folder(state, "logs") / f"{name}.log"


@contextlib.contextmanager
def lock(state: Path) -> Iterator[None]:
    """Hold the state for one supervisor.

    Raises:
        AlreadyRunningError: another process holds it.
    """
    with (state / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunningError(f"ShakerQueue is already running here (process {file.read().strip()})") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
