"""The unprivileged account that servers run under when the developer is root.

It is `nobody`: PostgreSQL refuses to run as root, and `nobody` is there on every system, so no account has to
be made on a machine that is not ours. Its folders are closed to all others, and the passwords are root's.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Account:
    """Who a server runs as."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """Whom servers run as: `nobody` for root, else None, which means the user who starts them."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def private_folder(path: Path) -> Path:
    """Make a folder (0700) that only the servers' account can enter."""
    path.mkdir(mode=0o700, exist_ok=True)
    give(path)
    return path


def give(path: Path) -> None:
    """Hand a file or folder to the servers' account."""
    if account := unprivileged():
        shutil.chown(path, account.uid, account.gid)


def reachable(path: Path) -> bool:
    """Whether the servers' account can come to this folder through all that lie above it."""
    if unprivileged() is None:
        return True
    resolved = path.resolve()
    return all(folder.stat().st_mode & 0o001 for folder in (resolved, *resolved.parents))
