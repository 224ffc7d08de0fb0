"""docker-compose.yml and Dockerfile, read without a container engine."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
PODMAN_COMPOSE = (sys.executable, "-m", "podman_compose", "--dry-run")
OUR_IMAGE = "shakerqueue:local"
SECRETS_FOLDER = "/secrets"

Service = dict[str, Any]


def compose_project() -> dict[str, Any]:
    """The compose file as podman-compose understands it: anchors merged, variables at their defaults."""
    answer = subprocess.run(
        [*PODMAN_COMPOSE, "--env-file", os.devnull, "--file", COMPOSE_FILE, "config"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    project: dict[str, Any] = yaml.safe_load(answer.stdout)
    return project


def dockerfile() -> list[tuple[str, str]]:
    """The Dockerfile's instructions in order, such as ("USER", "10001:10001")."""
    lines = (REPOSITORY / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def exec_form(instruction: str) -> list[str]:
    """The last ENTRYPOINT or CMD, which must be in the form that needs no shell."""
    words: list[str] = json.loads([rest for word, rest in dockerfile() if word == instruction][-1])
    return words


def image_environment() -> dict[str, str]:
    """What the Dockerfile's ENV sets, as if the repository were the image's /app."""
    pairs = re.findall(r"(\w+)=(\S+)", " ".join(rest for word, rest in dockerfile() if word == "ENV"))
    search_path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {name: str(REPOSITORY) if value == "/app" else value for name, value in pairs} | {"PATH": search_path}


def process_environment(service: Service, secrets: Path) -> dict[str, str]:
    """The whole environment of the service's process, its secrets in a folder of this machine."""
    given = {name: value.replace(SECRETS_FOLDER, str(secrets)) for name, value in service["environment"].items()}
    return image_environment() | given


def make_secrets(project: dict[str, Any], secrets: Path) -> None:
    """Run the one-shot that makes the secrets."""
    service = project["services"]["secrets"]
    assert SECRETS_FOLDER == service["working_dir"]
    for target in mount_targets(service):
        (secrets / target.relative_to(SECRETS_FOLDER)).mkdir(parents=True, exist_ok=True)
    subprocess.run([*service["entrypoint"], *service["command"]], cwd=secrets, env={"PATH": os.defpath}, check=True)


def mount_targets(service: Service) -> Iterator[Path]:
    """Where the service mounts its volumes."""
    for mount in service.get("volumes", []):
        yield Path(mount["target"] if isinstance(mount, dict) else mount.split(":")[1])
