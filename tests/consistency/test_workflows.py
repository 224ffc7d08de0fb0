"""The workflows run what is run by hand, and code of others only as it was when somebody read it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.compose import REPOSITORY

FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))


def read(name: str) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return workflow


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


workflows = pytest.mark.parametrize("name", [path.name for path in WORKFLOWS])


@workflows
def test_a_workflow_may_only_read_and_each_job_ends(name: str) -> None:
    assert {"contents": "read"} == read(name)["permissions"]
    assert all(job["timeout-minutes"] for job in read(name)["jobs"].values())


@workflows
def test_actions_of_others_are_pinned_and_keep_no_credentials(name: str) -> None:
    used = [step for step in steps(read(name)) if "uses" in step]
    assert used
    assert [] == [step["uses"] for step in used if not PINNED.fullmatch(step["uses"])]
    assert {False} == {step["with"]["persist-credentials"] for step in used}


@workflows
def test_the_targets_of_make_that_a_workflow_runs_exist(name: str) -> None:
    run = " ".join(step.get("run", "") for step in steps(read(name)))
    assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= TARGETS


def test_a_change_is_checked_by_the_command_that_is_run_by_hand() -> None:
    assert "bash .ci/run" in [step.get("run") for step in steps(read("check.yml"))]


def test_the_folders_that_the_update_bot_looks_into_hold_what_it_updates() -> None:
    holds = {
        "pip": "requirements.txt",
        "npm": "package-lock.json",
        "docker": "Dockerfile",
        "docker-compose": "docker-compose.yml",
        "github-actions": ".github/workflows",
    }
    updates = yaml.safe_load((REPOSITORY / ".github" / "dependabot.yml").read_text())["updates"]
    assert set(holds) == {update["package-ecosystem"] for update in updates}
    for update in updates:
        assert (REPOSITORY / update["directory"].strip("/") / holds[update["package-ecosystem"]]).exists()
