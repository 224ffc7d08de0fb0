"""Becomes a server process that cannot outlive the one who asked for it.

Run by path, with the standard library only, imported first: the servers' account may be unable to read it.

A program of its own and not a `preexec_fn`: that one may deadlock in a process that has threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def follow_parent(parent: int, death_signal: int) -> None:
    """Ask Linux to send `death_signal` here once the parent is gone. Elsewhere nothing happens."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the request was in place
        sys.exit(1)


def become(uid: int, gid: int) -> None:
    """Give up root for good. Comes before `follow_parent`: changing the user clears the request."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main() -> None:
    """Read `PARENT DEATH_SIGNAL ACCOUNT COMMAND…`, ACCOUNT being `uid:gid` or `-`, and become the command."""
    parent, death_signal, account, *command = sys.argv[1:]
    if account != "-":
        uid, gid = account.split(":")
        become(int(uid), int(gid))
    # A supervisor that was started in the background ignores SIGINT, and that would be inherited.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    follow_parent(int(parent), int(death_signal))
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
