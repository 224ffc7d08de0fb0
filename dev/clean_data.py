"""`make clean-data`: removes what `make run` keeps, after saying what that is. Needs the standard library only."""

import shutil
import sys

from dev import state


def main() -> int:
    """Remove this clone's state; exit code 1 when it is in use."""
    folder = state.folder()
    try:
        with state.lock(folder):
            print(f"Removing all data, logs and secrets of this clone: {folder}")
            shutil.rmtree(folder)
    except state.AlreadyRunningError as error:
        print(f"{error}: stop it first", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
