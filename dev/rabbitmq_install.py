"""RabbitMQ's programs: found on this machine, or installed from Debian where that is permitted."""

import os
import shutil
import subprocess
from pathlib import Path

from dev import state
from dev.servers import ServerError, log_tail

PACKAGE = "rabbitmq-server"
# The package's own script. Its wrapper in /usr/sbin insists on running as the system's user `rabbitmq`.
PACKAGED = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
FURTHER_PATHS = ["/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/sbin", "/opt/homebrew/bin", "/usr/sbin"]
UNITS = ["rabbitmq-server.service", "epmd.service", "epmd.socket"]
STAGES = {"dlstatus": "downloading", "pmstatus": "installing"}
STATUS_FIELDS = 3
ADVICE = (
    "RabbitMQ is not installed: install it (Debian: `apt-get install rabbitmq-server`, "
    "macOS: `brew install rabbitmq`), or give a running one by AMQP_URL"
)


def search_path() -> str:
    """PATH, and where RabbitMQ and Erlang lie when an unprivileged user's PATH leaves that out."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), *FURTHER_PATHS])


def find(program: str) -> Path | None:
    """The path of a program, or None."""
    found = shutil.which(program, path=search_path())
    return Path(found) if found else None


def server_script() -> Path | None:
    """The `rabbitmq-server` to run, or None where there is none."""
    return PACKAGED if PACKAGED.exists() else find(PACKAGE)


def ensure_installed() -> Path:
    """The path of `rabbitmq-server`, installed first where it is missing and we may.

    Raises:
        ServerError: there is none, and installing is not permitted or failed.
    """
    if script := server_script():
        return script
    root = _become_root()
    if root is None or not find("apt-get"):
        raise ServerError(ADVICE)
    print("  RabbitMQ is missing: installing Debian's package rabbitmq-server (a minute or two) …", flush=True)
    _install(root)
    if script := server_script():
        return script
    raise ServerError(ADVICE)


def _become_root() -> list[str] | None:
    """The words before a command that has to run as root; None when that is not permitted."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "-n"]
    return sudo if find("sudo") and _succeeds([*sudo, "true"]) else None


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _install(root: list[str]) -> None:
    """Install the package but not its system service, which would run from now on and after each boot."""
    new_units = [unit for unit in UNITS if _systemd() and not _unit_exists(unit)]
    for unit in new_units:
        _systemctl(root, "mask", "--runtime", unit)
    try:
        _apt_get(root, "update")
        _apt_get(root, "install", "--yes", "--no-install-recommends", PACKAGE)
    finally:
        for unit in new_units:
            _systemctl(root, "unmask", "--runtime", unit)
            _systemctl(root, "disable", unit)


def _systemd() -> bool:
    return Path("/run/systemd/system").is_dir()


def _unit_exists(unit: str) -> bool:
    return _succeeds(["systemctl", "cat", unit])


def _systemctl(root: list[str], *words: str) -> None:
    subprocess.run([*root, "systemctl", "--quiet", *words], capture_output=True, check=False)


def _apt_get(root: list[str], *words: str) -> None:
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
        raise ServerError(f"apt-get {words[0]} failed; {ADVICE}\n{log_tail(log_path)}")


def _stage(line: str) -> str | None:
    """How far apt-get reports to be, in tenths: `dlstatus:NUMBER:PERCENT:TEXT` or `pmstatus:PACKAGE:…`."""
    kind, _, rest = line.partition(":")
    fields = rest.rsplit(":", 2)
    if kind not in STAGES or len(fields) != STATUS_FIELDS:
        return None
    return f"{STAGES[kind]} {float(fields[1]) // 10 * 10:.0f} %"
