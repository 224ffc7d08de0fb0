"""Render shakerqueue/queries from sql/: `python sql/codegen/generate.py [--check]`.

sqlc runs over a copy, so an error leaves the tree as it was. Without `--check` the tree is brought in line, files
without a source are deleted; with it, the tree is only compared, and each file that is not as it should be is listed.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

_OUT = Path("shakerqueue", "queries")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the return value is the exit code."""
    parser = argparse.ArgumentParser(description="Render shakerqueue/queries from sql/.")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="of the project")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as scratch:
        code = _run_sqlc(options.root / "sql", Path(scratch, "sql"))
        if code:
            return code
        wanted, target = _contents(Path(scratch, _OUT)), options.root / _OUT
    return _check(wanted, target) if options.check else _write(wanted, target)


def _run_sqlc(source: Path, copy: Path) -> int:
    """Generate beside a copy of sql/, with the sqlc and the python of this environment."""
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    programs = Path(sys.executable).parent
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    command = [str(programs / "sqlc"), "generate"]
    return subprocess.run(command, cwd=copy, env=os.environ | {"PATH": path}, check=False).returncode  # noqa: S603


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*")) if path.is_file()}


def _check(wanted: Mapping[str, bytes], target: Path) -> int:
    problems = _differences(wanted, _contents(target))
    for name, problem in sorted(problems.items()):
        sys.stderr.write(f"{_OUT / name}: {problem}; run `make generate`\n")
    return 1 if problems else 0


def _differences(wanted: Mapping[str, bytes], found: Mapping[str, bytes]) -> dict[str, str]:
    missing = dict.fromkeys(wanted.keys() - found.keys(), "is missing")
    orphans = dict.fromkeys(found.keys() - wanted.keys(), "has no source")
    common = wanted.keys() & found.keys()
    changed = {name: "differs from its source" for name in common if wanted[name] != found[name]}
    return missing | orphans | changed


def _write(wanted: Mapping[str, bytes], target: Path) -> int:
    target.mkdir(parents=True, exist_ok=True)
    for name in _differences(wanted, _contents(target)):
        if name in wanted:
            (target / name).write_bytes(wanted[name])
        else:
            (target / name).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
