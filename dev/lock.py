"""The lock: requirements.txt pins the product's packages, requirements-dev.txt adds those of development.

requirements-bench.txt pins those of the benchmark's peers, which get an environment of their own.

`python -m dev.lock` brings them in step with setup.cfg, `--check` says whether they are, `--upgrade` takes the newest.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from dev.state import CLONE

LOWEST_PYTHON = "3.11"
RUNTIME = "requirements.txt"
EXTRAS = {"dev": "requirements-dev.txt", "bench": "requirements-bench.txt"}
FILES = [RUNTIME, *EXTRAS.values()]
COMPILE = [
    *(
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--generate-hashes",
        "setup.cfg",
    ),
    *("--python-version", LOWEST_PYTHON, "--custom-compile-command", "make lock"),
]


def main() -> int:
    """Write the lock, or with `--check` compare it; exit code 1 when it is out of step."""
    if "--check" not in sys.argv[1:]:
        compile_lock(CLONE, upgrade="--upgrade" in sys.argv[1:])
        return 0
    stale = out_of_step()
    for name in stale:
        print(f"{name} is out of step with setup.cfg: run `make lock`")
    return 1 if stale else 0


def compile_lock(folder: Path, *, upgrade: bool = False) -> None:
    """Resolve setup.cfg into the files of a folder. Versions that stand there stay where they can, or are upgraded.

    Raises:
        CalledProcessError: setup.cfg cannot be resolved; uv has said why.
    """
    compile_all = [*COMPILE, "--upgrade"] if upgrade else COMPILE
    subprocess.run([*compile_all, "--output-file", RUNTIME], cwd=folder, check=True)
    for extra, file in EXTRAS.items():
        options = ["--extra", extra, "--constraint", RUNTIME, "--output-file", file]
        subprocess.run([*compile_all, *options], cwd=folder, check=True)


def out_of_step() -> list[str]:
    """The files that compiling a copy would change."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for file in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", *FILES):
            shutil.copy(CLONE / file, copy)
        compile_lock(copy)
        return [file for file in FILES if (copy / file).read_text() != (CLONE / file).read_text()]


if __name__ == "__main__":
    sys.exit(main())
