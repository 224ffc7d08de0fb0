"""What our containers may do: as docker-compose.yml and the Dockerfile have it."""

import re

import pytest

from tests.support.compose import OUR_IMAGE, Service, compose_project, dockerfile


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    found: dict[str, Service] = compose_project()["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: dict[str, Service]) -> dict[str, Service]:
    return {name: service for name, service in services.items() if service["image"] == OUR_IMAGE}


def test_sec_22_our_containers_can_do_little(ours: dict[str, Service]) -> None:
    for name, service in ours.items():
        assert (True, True) == (service["read_only"], service["init"]), name
        assert ["ALL"] == service["cap_drop"], name
        assert ["/tmp:size=16m"] == service["tmpfs"], name  # noqa: S108
        assert 0 < service["pids_limit"] <= (2048 if name == "api" else 512), name  # a thread for each stream
        assert re.fullmatch(r"[1-9]\d{1,2}m", service["mem_limit"]), name
        assert not {"cap_add", "user", "ipc"} & set(service), name


def test_sec_22_the_store_of_counts_can_do_as_little_and_keeps_nothing(services: dict[str, Service]) -> None:
    store = services["valkey"]
    assert (True, ["ALL"]) == (store["read_only"], store["cap_drop"])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", store["user"])
    assert ["/data:size=1m"] == store["tmpfs"]
    assert store["pids_limit"]
    assert store["mem_limit"]
    assert "ports" not in store


def test_sec_22_no_container_gets_at_the_machine(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert not {"privileged", "pid", "devices", "userns_mode"} & set(service), name
        assert service.get("network_mode") in (None, "none"), name
        assert [] == [mount for mount in service.get("volumes", []) if str(mount).startswith(("/", ".", "~"))], name


def test_sec_22_no_container_gains_privileges_or_fills_the_disk_with_logs(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert ["no-new-privileges:true"] == service["security_opt"], name
        assert {"max-size", "max-file"} == set(service["logging"]["options"]), name


def test_sec_22_the_image_runs_as_a_numeric_user_who_is_not_root() -> None:
    users = [rest for word, rest in dockerfile() if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_sec_22_ports_are_published_on_the_loopback_interface_only(services: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert {"api", "rabbitmq"} == set(published)
    assert [] == [port for ports in published.values() for port in ports if not port.startswith("127.0.0.1:")]


def test_sec_22_the_image_holds_no_tools_and_no_secret() -> None:
    """Built in a stage of its own; what runs gets the environment and the sources alone."""
    stages = [number for number, (word, _) in enumerate(dockerfile()) if word == "FROM"]
    final = dockerfile()[stages[-1] :]
    assert len(stages) == 2
    assert [] == [rest for word, rest in final if word == "RUN" and re.search(r"\b(pip|apt|apt-get|curl|wget)\b", rest)]
    assert [] == [rest for word, rest in dockerfile() if re.search(r"SECRET|PEPPER|PASSWORD|TOKEN", rest)]
