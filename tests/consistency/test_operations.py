"""docs/operations: metrics, rules and dashboard name what there is, in the form that Prometheus and Grafana take."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shakerqueue.telemetry import metrics
from tests.support.compose import REPOSITORY, compose_project
from tests.support.documents import leads_somewhere
from tests.support.metrics import Known, known_metrics, known_series
from tests.support.rules import (
    DASHBOARD,
    OPERATIONS,
    RULES,
    alerts,
    expressions,
    hurried,
    panel_expressions,
    panels,
    prometheus_or_skip,
    read_rules,
    recorded,
)

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|([^|]*)\|[^|]+\|$", re.MULTILINE)
NAME = re.compile(r"\bshakerqueue[_:][\w:]+")
SELECTOR = re.compile(r"\b(shakerqueue[_:][\w:]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)\s*[=!]~?\s*"([^"]*)"')
OF_PROMETHEUS = {"job", "instance", "le"}
COLUMNS = 24  # of Grafana's grid


@pytest.fixture(scope="module")
def promtool() -> Path:
    return prometheus_or_skip() / "promtool"


def queries() -> list[str]:
    """All of the rules' and the dashboard's."""
    return [*expressions(read_rules()), *(expression for _, expression in panel_expressions())]


def check(promtool: Path, what: str, file: Path) -> tuple[int, str]:
    """What promtool says of a file: its exit code and its words."""
    said = subprocess.run([promtool, "check", what, file], capture_output=True, text=True, check=False)
    return said.returncode, said.stdout + said.stderr


def test_every_metric_is_told_by_some_part() -> None:
    defined = {metric for metric in vars(metrics).values() if isinstance(metric, MetricWrapperBase)}
    assert set() == defined - set().union(*metrics.METRICS.values())


def test_the_table_of_metrics_is_that_of_the_product() -> None:
    rows = ROW.findall((OPERATIONS / "metrics.md").read_text())
    listed = {
        name: Known(kind, tuple(labels.replace("`", "").split()), tuple(parts.split()))
        for name, kind, labels, parts in rows
    }
    assert len(listed) == len(rows)
    assert known_metrics() == listed


def test_every_query_names_metrics_that_there_are() -> None:
    known = known_series() | recorded(read_rules())
    named = {name for query in queries() for name in NAME.findall(query)}
    assert len(named) > 40
    assert set() == named - known


def test_every_metric_is_on_the_dashboard_or_in_a_rule() -> None:
    text = " ".join(queries())
    assert [] == [name for name in known_metrics() if name not in text]


def test_every_selector_names_labels_that_its_metric_has() -> None:
    labels = {
        series: {*metric.labels, *OF_PROMETHEUS}
        for name, metric in known_metrics().items()
        for series in (name, f"{name}_bucket", f"{name}_sum", f"{name}_count")
    }
    wrong = [
        (name, label)
        for query in queries()
        for name, matchers in SELECTOR.findall(query)
        for label, _ in MATCHER.findall(matchers)
        if name in labels and label not in labels[name]
    ]
    assert [] == wrong


def test_the_rules_are_such_as_prometheus_takes(promtool: Path, tmp_path: Path) -> None:
    assert 0 == check(promtool, "rules", RULES)[0]
    in_a_hurry = tmp_path / "rules.yml"
    in_a_hurry.write_text(yaml.safe_dump(hurried(read_rules())))
    assert 0 == check(promtool, "rules", in_a_hurry)[0]


def test_the_configuration_is_such_as_prometheus_takes(promtool: Path) -> None:
    code, said = check(promtool, "config", OPERATIONS / "prometheus.yml")
    assert (0, True) == (code, "1 rule files found" in said), said


def test_what_the_configuration_says_of_containers_is_so() -> None:
    said = re.findall(r"#.*?\b(\w+):(\d+)", (OPERATIONS / "prometheus.yml").read_text())
    services = compose_project()["services"]
    asked = {name: services[name]["environment"]["METRICS_PORT"] for name in ("api", "consumer", "webhooks")}
    assert asked == dict(said)


def test_the_configuration_names_the_jobs_that_are_asked_for() -> None:
    configured = yaml.safe_load((OPERATIONS / "prometheus.yml").read_text())
    jobs = {job["job_name"] for job in configured["scrape_configs"]}
    assert {"shakerqueue-api", "shakerqueue-consumer", "shakerqueue-webhooks"} == jobs


def test_every_alert_says_what_to_do() -> None:
    for name, alert in alerts(read_rules()).items():
        assert alert["labels"]["severity"] in ("critical", "warning"), name
        assert alert["annotations"]["summary"], name
        assert alert["annotations"]["runbook"].endswith("."), name


def test_every_alert_leads_to_its_section_of_the_guide_and_stands_in_its_table() -> None:
    guide = REPOSITORY / "docs/operations.md"
    rows = re.findall(r"^\| (`ShakerQueue.+) \| \[.+\]\((#\S+)\) \|$", guide.read_text(), re.MULTILINE)
    listed = {name: f"docs/operations.md{section}" for names, section in rows for name in re.findall(r"\w+", names)}
    said = {name: alert["annotations"]["section"] for name, alert in alerts(read_rules()).items()}
    assert listed == said
    assert [] == [section for section in said.values() if not leads_somewhere(REPOSITORY / "README.md", section)]


def test_every_query_of_the_dashboard_is_one(promtool: Path, tmp_path: Path) -> None:
    """promtool parses rules only, so each becomes one."""
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, (_, expression) in enumerate(panel_expressions())
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    code, said = check(promtool, "rules", file)
    assert (0, True) == (code, f"{len(rules)} rules found" in said), said


def test_the_dashboard_can_be_imported_anywhere() -> None:
    """Its source is a variable, so it asks whichever Prometheus there is."""
    dashboard = json.loads(DASHBOARD.read_text())
    [variable] = dashboard["templating"]["list"]
    assert ("datasource", "datasource", "prometheus") == (variable["name"], variable["type"], variable["query"])
    targets = [target for panel in panels() for target in panel.get("targets", [])]
    sources = [one["datasource"] for one in (*targets, *(p for p in panels() if p["type"] != "row"))]
    assert [{"type": "prometheus", "uid": "${datasource}"}] * len(sources) == sources
    assert "id" not in dashboard  # of one Grafana's database


def test_panels_have_places_of_their_own() -> None:
    assert [] == [number for number, count in Counter(panel["id"] for panel in panels()).items() if count > 1]
    cells = Counter(cell for panel in panels() for cell in cells_of(panel["gridPos"]))
    assert [] == [cell for cell, count in cells.items() if count > 1]
    assert {True} == {0 <= x < COLUMNS for x, _ in cells}


def test_the_picture_is_of_this_dashboard() -> None:
    """It is drawn anew by `python -m dev.dashboard`."""
    svg = ET.parse(OPERATIONS / "dashboard.svg")  # noqa: S314 - ours
    drawn = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert set() == {panel["title"] for panel in panels()} - drawn


def cells_of(place: dict[str, int]) -> Iterator[tuple[int, int]]:
    return (
        (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
    )
