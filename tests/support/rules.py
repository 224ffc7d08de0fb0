"""The rules and the dashboard of docs/operations as a test reads them, and the same rules in a hurry."""

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.prometheus import ensure_prometheus
from dev.servers import ServerError

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations"
RULES = OPERATIONS / "prometheus-rules.yml"
DASHBOARD = OPERATIONS / "dashboard.json"
# How much sooner: of a range, so that some samples are left in it, and of the time for which something must hold.
RANGES_BY = 30
HOLDS_BY = 60
SECONDS = {"s": 1, "m": 60, "h": 3600}

Rules = dict[str, Any]


def read_rules() -> Rules:
    rules: Rules = yaml.safe_load(RULES.read_text())
    return rules


def alerts(rules: Rules) -> dict[str, dict[str, Any]]:
    """Every alert by its name."""
    return {rule["alert"]: rule for group in rules["groups"] for rule in group["rules"] if "alert" in rule}


def expressions(rules: Rules) -> list[str]:
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def recorded(rules: Rules) -> set[str]:
    """The names that the recording rules make."""
    return {rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule}


def hurried(rules: Rules) -> Rules:
    """The same rules with shorter times. Thresholds stay, so the same faults raise the same alerts, only sooner."""
    found = copy.deepcopy(rules)
    for group in found["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[(\w+)\]", lambda match: f"[{_shorter(match[1], RANGES_BY)}]", rule["expr"])
            if "for" in rule:
                rule["for"] = _shorter(rule["for"], HOLDS_BY)
    return found


def prometheus_or_skip() -> Path:
    """The folder of Prometheus's programs. Where there are none the test is skipped, but never with CI set."""
    try:
        return ensure_prometheus()
    except ServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, rows among them."""
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def panel_expressions() -> Iterator[tuple[str, str]]:
    """Each panel's title with each of its queries."""
    for panel in panels():
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def _shorter(duration: str, factor: int) -> str:
    return f"{max(1, int(duration[:-1]) * SECONDS[duration[-1]] // factor)}s"
