"""A server process: started, awaited, watched and ended, together with whatever it left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from dev.account import Account

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.02
KILL_SECONDS = 10.0


class ServerError(RuntimeError):
    """A server did not start or died. The message ends with the last lines of its log."""


def log_tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, indented, under a line that says where it is."""
    text = path.read_text(errors="replace") if path.exists() else ""
    shown = "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
    return f"{shown or '    (its log is empty)'}\n    log: {path}"


def wait_until(condition: Callable[[], bool], deadline_seconds: float) -> bool:
    """Wait for a condition that is cheap to ask. Returns whether it came true within the deadline."""
    deadline = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def tagged(tag: str) -> list[psutil.Process]:
    """All processes on this machine whose command line carries the tag.

    In a container root can read another account's command lines, but not its working directories.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and any(tag in word for word in process.cmdline()):
                found.append(process)
    return found


def end_all(processes: Sequence[psutil.Process]) -> None:
    """Kill these processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=KILL_SECONDS)


def launched(
    command: Sequence[str | Path], *, death_signal: int = signal.SIGTERM, account: Account | None = None
) -> list[str | Path]:
    """The command, run so that it ends with the calling thread (Linux) and as the given account."""
    who = f"{account.uid}:{account.gid}" if account else "-"
    return [sys.executable, "-I", "-S", LAUNCHER, str(os.getpid()), str(int(death_signal)), who, *command]


def spawn(
    command: Sequence[str | Path],
    *,
    folder: Path,
    environment: Mapping[str, str],
    log_path: Path,
    death_signal: int = signal.SIGTERM,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, so that a Ctrl-C reaches only the supervisor.

    It gets `death_signal` when the calling thread ends (Linux), and the last log but one is kept as `….1`.
    """
    if log_path.exists():
        log_path.replace(log_path.with_name(f"{log_path.name}.1"))
    with log_path.open("wb") as log:
        return subprocess.Popen(
            launched(command, death_signal=death_signal, account=account),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def run(
    command: Sequence[str | Path],
    *,
    name: str,
    folder: Path,
    environment: Mapping[str, str],
    log_path: Path,
    account: Account | None = None,
) -> None:
    """Run a command to its end.

    Raises:
        ServerError: it failed.
    """
    process = spawn(command, folder=folder, environment=environment, log_path=log_path, account=account)
    try:
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code:
        raise ServerError(f"{name} failed (exit code {code})\n{log_tail(log_path)}")


class Server:
    """One server. A subclass says what to run, when it is ready, and how it wants to be stopped.

    Start it on a thread that lives as long as it should: Linux ends it with that thread.
    """

    name: str
    start_seconds = 30.0
    stop_signal: int = signal.SIGTERM
    stop_seconds = 15.0
    account: Account | None = None

    def __init__(self, *, folder: Path, log_path: Path, tag: str | None = None) -> None:
        self.folder = folder
        self.log_path = log_path
        self.tag = tag
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Put in place what the command needs. Leftovers of an earlier run are gone by then."""

    def command(self) -> list[str | Path]:
        """What to run."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The whole environment to run it in."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server is ready."""
        raise NotImplementedError

    def stop_leftovers(self) -> None:
        """End what an earlier run of the same state left, in order if possible."""
        left = tagged(self.tag) if self.tag else []
        numbers = {process.pid for process in left}
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.ppid() not in numbers:  # a server stops its own helpers
                    process.send_signal(self.stop_signal)
        psutil.wait_procs(left, timeout=self.stop_seconds)
        self.clean_up()

    def clean_up(self) -> None:
        """End what is left once the server has stopped."""
        if self.tag:
            end_all(tagged(self.tag))

    @property
    def pid(self) -> int:
        """The process id of the running server.

        Raises:
            ServerError: it was not started.
        """
        if self._process is None:
            raise ServerError(f"{self.name} is not running")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How the server ended, negative for a signal; None while it runs or when it was never started."""
        return self._process.poll() if self._process else None

    def launch(self) -> None:
        """Start the server without waiting for it. A leftover of the same state is ended first."""
        self.stop_leftovers()
        self.prepare()
        self._process = spawn(
            self.command(),
            folder=self.folder,
            environment=self.environment(),
            log_path=self.log_path,
            death_signal=self.stop_signal,
            account=self.account,
        )

    def wait_ready(self) -> None:
        """Wait until the launched server answers.

        Raises:
            ServerError: it ended, or did not answer within `start_seconds`.
        """
        ready = wait_until(lambda: self.exit_code is not None or self.answers(), self.start_seconds)
        if self.exit_code is not None:
            raise ServerError(self.failure("while starting"))
        if not ready:
            limit = f"{self.start_seconds:.0f} s"
            raise ServerError(f"{self.name} was not ready within {limit}\n{log_tail(self.log_path)}")

    def start(self) -> None:
        """Start the server and wait until it is ready.

        Raises:
            ServerError: see `wait_ready`.
        """
        self.launch()
        self.wait_ready()

    def stop(self) -> None:
        """End the server in order, after `stop_seconds` by force. Fine to call at any time."""
        if self._process:
            self._signal(self.stop_signal)
            self._signal(signal.SIGCONT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self.stop_seconds)
        self.kill()

    def kill(self) -> None:
        """End the server and all its helpers at once, as a power cut would."""
        if self._process:
            self._signal(signal.SIGKILL)
            self._process.wait(KILL_SECONDS)
            self._kill_group(self._process.pid)
        self.clean_up()
        self._process = None

    def restart(self) -> None:
        """Stop what still runs and start again, with the same data on the same ports."""
        self.stop()
        self.start()

    def failure(self, when: str = "unexpectedly") -> str:
        """What to tell about a server that died: how, and the end of its log."""
        return f"{self.name} ended {when} ({self._ending()})\n{log_tail(self.log_path)}"

    def _ending(self) -> str:
        code = self.exit_code or 0
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    @staticmethod
    def _kill_group(leader: int) -> None:
        if psutil.pid_exists(leader):  # ours is gone and its number was given to a stranger
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process:
            self._process.send_signal(number)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
