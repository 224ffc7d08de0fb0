"""Programs that this machine may lack: found, or installed from Debian where that is permitted."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from ctypes.util import find_library
from pathlib import Path

from dev import state
from dev.servers import ServerError, log_tail, run

FURTHER_PATHS = ["/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/sbin"]
STAGES = {"dlstatus": "downloading", "pmstatus": "installing"}
STATUS_FIELDS = 3


def search_path() -> str:
    """PATH, and where servers and tools lie when an unprivileged user's PATH leaves that out."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *FURTHER_PATHS])


def find(program: str) -> Path | None:
    """The path of a program, or None."""
    found = shutil.which(program, path=search_path())
    return Path(found) if found else None


def ensure_program(program: str, *units: str) -> Path:
    """The path of a program, first installed from Debian's package of that name where it is missing and we may.

    `units` are those that the package brings for systemd; they do not run, neither now nor after a boot.

    Raises:
        ServerError: there is none, and installing is not permitted or failed.
    """
    advice = f"{program} is missing: install it (Debian: `apt-get install {program}`)"
    if found := find(program):
        return found
    with installing_alone():
        if find(program) is None:
            root = root_and_apt(advice)
            print(f"  {program} is missing: installing Debian's package …", flush=True)
            install_without_service(root, program, units, advice)
    if found := find(program):
        return found
    raise ServerError(advice)


def ensure_library(name: str, package: str) -> None:
    """Have a shared library, by the linker's name, first installed from this package of Debian's where it is missing.

    Raises:
        ServerError: it is missing, and installing is not permitted or failed.
    """
    advice = f"The library {name} is missing: install it (Debian: `apt-get install {package}`)"
    if find_library(name):
        return
    with installing_alone():
        if find_library(name) is None:
            root = root_and_apt(advice)
            print(f"  The library {name} is missing: installing Debian's package {package} …", flush=True)
            install(root, package, advice)
    if find_library(name) is None:
        raise ServerError(advice)


@contextlib.contextmanager
def installing_alone() -> Iterator[None]:
    """Tests run in several processes, and apt-get does not wait for another one that reads its lists."""
    with (state.folder() / "installing").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def root_and_apt(advice: str) -> list[str]:
    """The words before apt-get.

    Raises:
        ServerError: installing is not possible here; the text is `advice`.
    """
    root = become_root()
    if root is None or not find("apt-get"):
        raise ServerError(advice)
    return root


def become_root() -> list[str] | None:
    """The words before a command that has to run as root; None when that is not permitted."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    return sudo if find("sudo") and succeeds([*sudo, "true"]) else None


def succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install(root: list[str], package: str, advice: str) -> None:
    """Install a package without what it only recommends.

    Raises:
        ServerError: it failed; the text ends with `advice`.
    """
    try:
        apt_get(root, "update")
        apt_get(root, "install", "--yes", "--no-install-recommends", package)
    except ServerError as error:
        raise ServerError(f"{error}\n{advice}") from error


def install_without_service(root: list[str], package: str, units: Iterable[str], advice: str) -> None:
    """Install a package but not its system services, which would run from now on and after each boot.

    Raises:
        ServerError: as `install`.
    """
    new_units = [unit for unit in units if _systemd() and not _unit_exists(unit)]
    for unit in new_units:
        _systemctl(root, "mask", "--runtime", unit)
    try:
        install(root, package, advice)
    finally:
        for unit in new_units:
            _systemctl(root, "unmask", "--runtime", unit)
            _systemctl(root, "disable", unit)


def _systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _unit_exists(unit: str) -> bool:
    return succeeds(["systemctl", "cat", unit])


def _systemctl(root: list[str], *words: str) -> None:
    subprocess.run([*root, "systemctl", "--quiet", *words], capture_output=True, check=False)


def unpack(package: str, folder: Path, advice: str) -> None:
    """Unpack a package's files into a folder. Nothing is installed: no service, no user, nothing that it depends on.

    Raises:
        ServerError: it cannot be had; the text ends with `advice`.
    """
    if not find("apt-get"):
        raise ServerError(advice)
    try:
        if (root := become_root()) is not None:  # otherwise with the lists that are there
            apt_get(root, "update")
        with tempfile.TemporaryDirectory() as downloads:
            _run("apt-get", "download", package, inside=Path(downloads))
            [archive] = Path(downloads).glob("*.deb")
            _run("dpkg-deb", "--extract", str(archive), str(folder), inside=Path(downloads))
    except ServerError as error:
        raise ServerError(f"{error}\n{advice}") from error


def _run(*words: str, inside: Path) -> None:
    log_path = state.log_file(state.folder(), "-".join(words[:2]))
    run(words, name=" ".join(words[:2]), folder=inside, environment=os.environ, log_path=log_path)


def apt_get(root: list[str], *words: str) -> None:
    """Run apt-get and show how far it is.

    Raises:
        ServerError: it failed.
    """
    # RUNLEVEL=1 keeps sysvinit's invoke-rc.d from starting the service; under systemd the masks do.
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    options = ["-o", "DPkg::Lock::Timeout=120", "-o", "APT::Status-Fd=1"]
    log_path = state.log_file(state.folder(), f"apt-get-{words[0]}")
    with (
        log_path.open("w") as log,
        subprocess.Popen(
            [*root, *quiet, "apt-get", *options, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            errors="replace",
            start_new_session=True,  # a Ctrl-C in the middle would leave the package half installed
        ) as process,
    ):
        shown = None
        for line in process.stdout or ():
            log.write(line)
            if (stage := _stage(line)) not in (None, shown):
                shown = stage
                print(f"    {stage}", flush=True)
    if process.returncode:
        raise ServerError(f"apt-get {words[0]} failed\n{log_tail(log_path)}")


def _stage(line: str) -> str | None:
    """How far apt-get reports to be, in tenths: `dlstatus:NUMBER:PERCENT:TEXT` or `pmstatus:PACKAGE:…`."""
    kind, _, rest = line.partition(":")
    fields = rest.rsplit(":", 2)
    if kind not in STAGES or len(fields) != STATUS_FIELDS:
        return None
    return f"{STAGES[kind]} {float(fields[1]) // 10 * 10:.0f} %"
