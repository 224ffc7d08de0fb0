"""What a fresh process has imported."""

import subprocess
import sys


def imported_by(statements: str, packages: set[str]) -> list[str]:
    """The modules of these packages that a new interpreter has loaded after the statements."""
    code = f"import sys\n{statements}\nprint(*(name for name in sys.modules if name.partition('.')[0] in {packages!r}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return told.stdout.split()
