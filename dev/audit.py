"""`make audit`: whether a locked package has a known vulnerability, asked of PyPI's and npm's advisories.

Arguments go to pip-audit: `--vulnerability-service osv` asks osv.dev instead of PyPI.
"""

import subprocess
import sys

from dev import openapi_lint
from dev.lock import FILES
from dev.openapi_lint.__main__ import NPM, run
from dev.state import CLONE

# Strict: a package that could not be asked about fails, where pip-audit would pass it over.
PIP_AUDIT = [
    *(sys.executable, "-m", "pip_audit", "--strict", "--progress-spinner=off"),
    *("--disable-pip", "--require-hashes"),  # what the lock names, as it names it
]


def main() -> int:
    """Exit code 0 when every package of every lock was asked about and none is known to be vulnerable."""
    failed = [name for name in FILES if not is_clean(name, sys.argv[1:])]
    if not linter_is_clean():
        failed.append(f"{openapi_lint.__name__.replace('.', '/')}/package-lock.json")
    if failed:
        print(f"Not known to be free of vulnerabilities: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def is_clean(lock: str, options: list[str]) -> bool:
    """Whether a Python lock is; what was found, or why nothing could be, is on standard error."""
    print(f"{lock}:", file=sys.stderr, flush=True)
    return subprocess.run([*PIP_AUDIT, *options, "--requirement", lock], cwd=CLONE, check=False).returncode == 0


def linter_is_clean() -> bool:
    """Whether the linter's lock is: a tool that reads our own file, so what is grave counts."""
    print("the linter of the OpenAPI document:", file=sys.stderr, flush=True)
    return run(NPM, "audit", "--package-lock-only", "--audit-level=high", "--loglevel=error") == 0


if __name__ == "__main__":
    sys.exit(main())
