"""`make audit` passes only when every package was asked about, and none is known to be vulnerable."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from packaging.requirements import Requirement

from dev.audit import is_clean
from tests.support.compose import REPOSITORY

LOCK = "requirements.txt"
ADVISORY = {"id": "PYSEC-2099-1", "summary": "Shaken where it should be stirred.", "modified": "2099-01-01T00:00:00Z"}


class Advisories(ThreadingHTTPServer):
    """As much of osv.dev's API as is asked: one advisory at most, about one package."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), AdvisoryHandler)
        self.vulnerable: str | None = None
        self.asked: set[str] = set()

    @property
    def options(self) -> list[str]:
        return ["--vulnerability-service=osv", f"--osv-url=http://127.0.0.1:{self.server_port}/"]


class AdvisoryHandler(BaseHTTPRequestHandler):
    server: Advisories

    def do_POST(self) -> None:  # http.server asks for this name
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query["package"]["name"]
        self.server.asked.add(name)
        found = {"vulns": [advisory(name)]} if name == self.server.vulnerable else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the tests' output is read by people."""


def advisory(package: str) -> dict[str, Any]:
    versions = [{"introduced": "0"}]
    return ADVISORY | {
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": versions}],
            }
        ]
    }


def installed_here() -> set[str]:
    """The packages of the lock that this platform gets."""
    pins = (line.rstrip("\\ ") for line in (REPOSITORY / LOCK).read_text().splitlines() if "==" in line)
    found = map(Requirement, pins)
    return {pin.name for pin in found if pin.marker is None or pin.marker.evaluate()}


@pytest.fixture
def advisories() -> Iterator[Advisories]:
    with Advisories() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_lock_without_known_vulnerabilities_is_clean_and_every_package_of_it_was_asked_about(
    advisories: Advisories,
) -> None:
    assert is_clean(LOCK, advisories.options)
    assert installed_here() == advisories.asked


def test_a_lock_with_a_vulnerable_package_is_not_and_the_package_is_named(
    advisories: Advisories, capfd: pytest.CaptureFixture[str]
) -> None:
    advisories.vulnerable = "pika"
    assert not is_clean(LOCK, advisories.options)
    assert ADVISORY["id"] in capfd.readouterr().out


def test_a_lock_is_not_clean_when_nobody_can_be_asked() -> None:
    with Advisories() as closed:
        options = closed.options
    assert not is_clean(LOCK, options)
