"""sqlc with the plugin, over folders of what goes in and what is to come out.

`UPDATE_GOLDEN=1 python -m pytest tests/codegen` rewrites what is expected.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PLUGIN = HERE.parents[1] / "sql" / "codegen" / "sqlc-gen-shakerqueue"
PROGRAMS = Path(sys.executable).parent
CASES = sorted(path.parent.name for path in HERE.glob("*/queries.sql"))
GOOD = [case for case in CASES if not case.startswith("error_")]
BAD = [case for case in CASES if case.startswith("error_")]
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


def _configuration(cases: list[str]) -> dict[str, Any]:
    plugin = {"env": ["PATH"], "process": {"cmd": str(PLUGIN), "format": "json"}}
    return {
        "version": "2",
        "plugins": [plugin | {"name": case} for case in cases],
        "sql": [_package(case) for case in cases],
    }


def _package(case: str) -> dict[str, Any]:
    options = HERE / case / "options.json"
    rendered = {"plugin": case, "out": f"out/{case}"}
    if options.exists():
        rendered["options"] = json.loads(options.read_text())
    return {
        "engine": "postgresql",
        "schema": f"{case}/schema.sql",
        "queries": f"{case}/queries.sql",
        "codegen": [rendered],
    }


def _run(cases: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run sqlc once over all the cases: its start takes a second, a case next to nothing."""
    for case in cases:
        shutil.copytree(HERE / case, folder / case)
    (folder / "sqlc.json").write_text(json.dumps(_configuration(cases)))
    path = os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])
    return subprocess.run(
        [str(PROGRAMS / "sqlc"), "generate"],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass(frozen=True)
class _Outcome:
    """What sqlc came back with, and where it wrote."""

    done: subprocess.CompletedProcess[str]
    folder: Path


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[_Outcome]:
    """One run over the good cases and one over the bad ones, side by side."""
    folders = [tmp_path_factory.mktemp("good"), tmp_path_factory.mktemp("bad")]
    with ThreadPoolExecutor() as pool:
        return [*map(_Outcome, pool.map(_run, [GOOD, BAD], folders), folders)]


@pytest.fixture(scope="module")
def rendered(outcomes: list[_Outcome]) -> Path:
    """A folder of rendered modules per good case."""
    good, _ = outcomes
    assert good.done.returncode == 0, good.done.stderr
    return good.folder / "out"


@pytest.fixture(scope="module")
def refusals(outcomes: list[_Outcome]) -> dict[str, str]:
    """What sqlc and the plugin say of each bad case."""
    _, bad = outcomes
    assert bad.done.returncode == 1
    said = re.split(r"^# package (\w+)\n", bad.done.stderr, flags=re.MULTILINE)[1:]
    return {case: f"{text.strip()}\n" for case, text in zip(said[::2], said[1::2], strict=True)}


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.py"))}


@pytest.mark.parametrize("case", GOOD)
def test_renders_what_is_expected(case: str, rendered: Path) -> None:
    """Every file of the case is as its golden file says, none is missing, none is too many."""
    expected = HERE / case / "expected"
    if UPDATE:
        shutil.rmtree(expected, ignore_errors=True)
        shutil.copytree(rendered / case, expected)

    assert _contents(expected) == _contents(rendered / case)


@pytest.mark.parametrize("case", BAD)
def test_refuses_what_it_cannot_render(case: str, refusals: dict[str, str]) -> None:
    """The message names file and query and says what to write instead."""
    expected = HERE / case / "expected_error.txt"
    if UPDATE:
        expected.write_text(refusals[case])

    assert expected.read_text() == refusals[case]


def test_expected_modules_are_clean(rendered: Path) -> None:
    """Nothing is imported in vain, sorted wrongly or laid out otherwise than the formatter does."""
    ruff = [str(PROGRAMS / "ruff")]
    options = ["--isolated", "--no-cache", "--line-length=110", str(rendered)]
    checks = (["check", "--select=F,I,E9,UP"], ["format", "--diff"])
    done = [subprocess.run([*ruff, *check, *options], capture_output=True, text=True, check=False) for check in checks]

    assert ["", ""] == ["" if each.returncode == 0 else each.stdout for each in done]
