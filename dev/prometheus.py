"""A private Prometheus: its programs, out of Debian's package where they are missing, and one server of it."""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from dev import state
from dev.debian import find, installing_alone, unpack
from dev.ports import LOOPBACK, free_ports
from dev.servers import Server, ServerError

PACKAGE = "prometheus"
PROGRAMS = ("prometheus", "promtool")
ADVICE = "Prometheus is missing: put prometheus and promtool into the PATH (Debian: `apt-get install prometheus`)"
ASK_SECONDS = 10.0

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy leads to this machine


def programs() -> Path | None:
    """The folder that has Prometheus's programs, or None where there is none."""
    found = find(PROGRAMS[0])
    for folder in (found.parent if found else None, _unpacked() / "usr" / "bin"):
        if folder and all((folder / program).exists() for program in PROGRAMS):
            return folder
    return None


def ensure_prometheus() -> Path:
    """The same folder, the programs first taken out of Debian's package (19 MB) where they are missing.

    The package is not installed: its service would run from then on.

    Raises:
        ServerError: they cannot be had.
    """
    if folder := programs():
        return folder
    with installing_alone():
        if programs() is None:
            print("  Prometheus is missing: fetching Debian's package prometheus …", flush=True)
            unpack(PACKAGE, _unpacked(), ADVICE)
    if folder := programs():
        return folder
    raise ServerError(ADVICE)


def _unpacked() -> Path:
    return state.folder() / PACKAGE


class PrivatePrometheus(Server):
    """Asks the given parts, by job name and port, and evaluates rules; its data is gone with its folder."""

    name = "Prometheus"

    def __init__(
        self, folder: Path, ports: Mapping[str, int], rules: Path | None = None, interval_seconds: int = 1
    ) -> None:
        super().__init__(folder=folder, log_path=state.log_file(folder, "prometheus"))
        self._programs = ensure_prometheus()
        self._ports = ports
        self._rules = rules
        self._interval = f"{interval_seconds}s"
        self.port = free_ports(1)[0]

    def prepare(self) -> None:
        """Write the configuration."""
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}
            for job, port in self._ports.items()
        ]
        settings = {
            "global": {"scrape_interval": self._interval, "evaluation_interval": self._interval},
            "rule_files": [str(self._rules)] if self._rules else [],
            "scrape_configs": jobs,
        }
        self._settings_file.write_text(yaml.safe_dump(settings))

    def command(self) -> list[str | Path]:
        """The server, on a port of its own."""
        return [
            self._programs / PROGRAMS[0],
            f"--config.file={self._settings_file}",
            f"--storage.tsdb.path={self.folder / 'prometheus-data'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
        ]

    def environment(self) -> dict[str, str]:
        """Ours."""
        return dict(os.environ)

    def answers(self) -> bool:
        """Whether it says that it is ready."""
        try:
            with _direct.open(f"http://{LOOPBACK}:{self.port}/-/ready", timeout=ASK_SECONDS):
                return True
        except OSError:
            return False

    def ask(self, path: str, **parameters: object) -> Any:
        """The data of an answer of its HTTP API: `query`, `query_range`, `alerts` …

        Raises:
            ServerError: it refuses the question.
        """
        url = f"http://{LOOPBACK}:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with _direct.open(url, timeout=ASK_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ServerError(f"Prometheus refuses {parameters}: {error.read().decode()}") from error

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts = self.ask("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    @property
    def _settings_file(self) -> Path:
        return self.folder / "prometheus.yml"
