"""docker-compose.yml, Dockerfile and .dockerignore say only what is safe, what exists and what fits together."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shakerqueue.config import Environment, load_settings
from shakerqueue.migrations import SCHEMA_FOLDER
from shakerqueue.server import DRAIN_SECONDS
from tests.support.compose import (
    COMPOSE_FILE,
    OUR_IMAGE,
    REPOSITORY,
    Service,
    compose_project,
    dockerfile,
    exec_form,
    make_secrets,
    mount_targets,
    process_environment,
)
from tests.support.environment import Asked

CONFIGURED = ["api", "consumer", "migrate", "seed", "webhooks"]
ONE_SHOTS = ["migrate", "secrets", "seed"]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return compose_project()


@pytest.fixture(scope="module")
def services(project: dict[str, Any]) -> dict[str, Service]:
    found: dict[str, Service] = project["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: dict[str, Service]) -> dict[str, Service]:
    return {name: service for name, service in services.items() if service["image"] == OUR_IMAGE}


def test_the_services_are_those_that_the_bar_needs(services: dict[str, Service]) -> None:
    assert {"postgres", "rabbitmq", "valkey", *CONFIGURED, "secrets"} == set(services)


def test_one_service_builds_our_image_and_nobody_pulls_it(ours: dict[str, Service]) -> None:
    assert {"secrets", *CONFIGURED} == set(ours)
    assert ["secrets"] == [name for name, service in ours.items() if "build" in service]
    assert {"never"} == {service["pull_policy"] for service in ours.values()}


def test_images_of_others_name_their_version(services: dict[str, Service]) -> None:
    tags = [service["image"].partition(":")[2] for service in services.values() if service["image"] != OUR_IMAGE]
    assert [] == [tag for tag in tags if not re.match(r"\d", tag)]


def test_the_file_holds_no_secret(services: dict[str, Service]) -> None:
    text = COMPOSE_FILE.read_text()
    assert "guest" not in text
    assert not re.search(r"://\w+:\w+@", text), "a password in a URL"
    names = [name for service in services.values() for name in service.get("environment", {})]
    assert [] == [name for name in names if re.search(r"PASS|SECRET|PEPPER|_URL", name) and not name.endswith("_FILE")]


def test_what_a_service_waits_for_can_come(services: dict[str, Service]) -> None:
    for name, service in services.items():
        for wanted, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[wanted], f"{name} waits for {wanted}"
            else:
                assert "service_completed_successfully" == how["condition"]
                assert wanted in ONE_SHOTS, f"{name} waits for the end of {wanted}"


def test_one_shots_end_and_all_else_is_started_anew(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert ("no" if name in ONE_SHOTS else "unless-stopped") == service["restart"], name


@pytest.mark.parametrize("name", CONFIGURED)
def test_whoever_reads_secrets_starts_after_they_are_made(services: dict[str, Service], name: str) -> None:
    assert {"secrets", "postgres"} <= awaited(services, name)


def awaited(services: dict[str, Service], name: str) -> set[str]:
    direct = set(services[name].get("depends_on", {}))
    return direct.union(*(awaited(services, wanted) for wanted in direct))


def test_nobody_waits_for_the_store_of_counts(services: dict[str, Service]) -> None:
    assert [] == [name for name, service in services.items() if "valkey" in service.get("depends_on", {})]


def test_only_the_maker_of_secrets_can_write_them(project: dict[str, Any]) -> None:
    secret = {mount.split(":")[0] for mount in project["services"]["secrets"]["volumes"]}
    for name, service in project["services"].items():
        for mount in service.get("volumes", []):
            source, read_only = parsed(mount)
            assert source in project["volumes"], f"{source} is no named volume"
            assert (source in secret and name != "secrets") == read_only, f"{name} mounts {source}"


def parsed(mount: str | dict[str, Any]) -> tuple[str, bool]:
    if isinstance(mount, dict):
        return mount["source"], mount["read_only"]
    return mount.split(":")[0], mount.endswith(":ro")


def test_a_volume_of_ours_keeps_its_owner_under_a_folder_of_another_image(services: dict[str, Service]) -> None:
    [setup] = [mount for mount in services["postgres"]["volumes"] if isinstance(mount, dict)]
    assert ("/docker-entrypoint-initdb.d", {"nocopy": True}) == (setup["target"], setup["volume"])


def test_stopping_waits_longer_than_draining_takes(ours: dict[str, Service]) -> None:
    assert [] == [name for name, its in ours.items() if int(its["stop_grace_period"].rstrip("s")) <= DRAIN_SECONDS]


@pytest.mark.parametrize("name", CONFIGURED)
def test_every_setting_that_a_service_is_given_is_one(
    project: dict[str, Any], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_secrets(project, tmp_path)
    service = project["services"][name]
    asked = Asked(process_environment(service, tmp_path))
    monkeypatch.setattr(os, "environ", asked)

    settings = load_settings()

    assert set() == set(service["environment"]) - asked.names
    assert Environment.DEVELOPMENT is settings.environment
    assert settings.database_url.endswith("@postgres:5432/shakerqueue")
    assert settings.amqp_url is not None
    assert settings.amqp_url.endswith("@rabbitmq:5672/%2F")
    if name == "api":
        assert settings.rate_limit_storage_url is not None
        assert settings.rate_limit_storage_url.endswith("@valkey:6379")
        assert (True, 0) == (settings.rate_limits, settings.trusted_proxies)


def test_the_api_listens_where_the_port_is_published_and_its_health_asked(services: dict[str, Service]) -> None:
    api = services["api"]
    port = api["environment"]["PORT"]
    assert "0.0.0.0" == api["environment"]["HOST"]  # noqa: S104
    assert [f"127.0.0.1:8080:{port}"] == api["ports"]
    assert f'"127.0.0.1", {port},' in api["healthcheck"]["test"][-1]
    assert [port] == [rest for word, rest in dockerfile() if word == "EXPOSE"]
    assert exec_form("CMD") == api["command"]


def test_the_image_has_the_folders_that_new_volumes_take_their_owner_from(services: dict[str, Service]) -> None:
    [made] = [rest for word, rest in dockerfile() if word == "RUN" and "install --directory" in rest]
    [user] = [rest.split(":")[0] for word, rest in dockerfile() if word == "USER"]
    folders = {str(target) for target in mount_targets(services["secrets"])}
    assert f"--owner={user} --group={user}" in made
    assert folders == set(made.split()) & folders


def test_the_image_installs_the_lock_with_its_hashes_and_nothing_for_development() -> None:
    [install] = [rest for word, rest in dockerfile() if word == "RUN" and " install --no-cache-dir" in rest]
    assert {"--require-hashes", "--no-deps", "requirements.txt"} <= set(install.split())
    lock = (REPOSITORY / "requirements.txt").read_text().replace("\\\n", " ")
    pinned = [line for line in lock.splitlines() if line and not line.lstrip().startswith("#")]
    assert [] == [line for line in pinned if "==" not in line or "--hash=sha256:" not in line]


def test_the_image_gets_all_that_runs() -> None:
    packages = {path.parent.name for path in REPOSITORY.glob("*/__init__.py")} - {"bench", "dev", "examples", "tests"}
    assert {*packages, "sql/schema", "requirements.txt", "LICENSE"} == set(copied())
    assert REPOSITORY / "sql/schema" == SCHEMA_FOLDER


def test_what_the_image_copies_exists_and_is_let_into_the_build() -> None:
    files = [file for source in copied() for file in files_of(REPOSITORY / source)]
    assert files
    assert [] == [str(file) for file in files if ignored(file.relative_to(REPOSITORY))]


@pytest.mark.parametrize(
    "path",
    [".env", ".git/config", ".local/secrets/jwt", "docker-compose.yml", "dev/run.py", "requirements-dev.txt",
     "seed/__pycache__/loader.pyc", "shakerqueue/api/__pycache__/auth.pyc", "sql/queries/orders.sql"],
)  # fmt: skip
def test_what_the_image_has_no_use_for_stays_out_of_the_build(path: str) -> None:
    assert ignored(Path(path))


def copied() -> Iterator[str]:
    """What the Dockerfile copies out of the repository."""
    for word, rest in dockerfile():
        if word == "COPY" and "--from" not in rest:
            yield from (source.rstrip("/") for source in rest.split()[:-1])


def files_of(path: Path) -> list[Path]:
    assert path.exists(), f"{path} is not there to copy"
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def ignored(path: Path) -> bool:
    """Whether .dockerignore keeps the path out: its last pattern that matches the path or a parent decides."""
    verdict = False
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = re.escape(line.lstrip("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if any(re.fullmatch(pattern, str(part)) for part in (path, *path.parents)):
                verdict = not line.startswith("!")
    return verdict
