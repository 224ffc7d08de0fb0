"""`python -m dev.dashboard`: a Friday night in a minute and a half, and what a real Prometheus answers the dashboard.

Drawn by ourselves and not by Grafana: docs/operations/dashboard.svg.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from dev import run, state
from dev.dashboard.charts import Chart, Line, draw
from dev.ports import recorded_ports
from dev.prometheus import PrivatePrometheus
from dev.rush.night import Night
from dev.rush.settings import read
from dev.servers import ServerError

OPERATIONS = state.CLONE / "docs" / "operations"
DASHBOARD, PICTURE = OPERATIONS / "dashboard.json", OPERATIONS / "dashboard.svg"
JOBS = ("shakerqueue-api", "shakerqueue-consumer", "shakerqueue-webhooks")
RATE_INTERVAL = "15s"  # in place of Grafana's own variable
LAST_SECONDS = 3  # so that Prometheus has asked once more after the last order
NIGHT = {"MINUTES": "1.5"}


def main() -> int:
    """Let the night happen, ask for every panel, draw the answers."""
    run.interrupt_on_signals()
    try:
        with state.temporary() as folder, run.running(folder) as (_, api):
            ports = dict(zip(JOBS, recorded_ports(folder / run.METRICS_PORTS), strict=True))
            with PrivatePrometheus(folder, ports) as prometheus:
                began_at = time.time()
                asyncio.run(Night(read({**NIGHT, **os.environ}), api.url).run())
                time.sleep(LAST_SECONDS)
                charts = list(answered(prometheus, began_at, time.time()))
    except (run.AddressError, ServerError, state.AlreadyRunningError, OSError) as error:
        print(f"dashboard: {error}", file=sys.stderr)
        return 1
    PICTURE.write_text(draw(charts))
    print(f"{len(charts)} panels are drawn in {PICTURE}")
    return 0


def answered(prometheus: PrivatePrometheus, began_at: float, ended_at: float) -> Iterator[Chart]:
    """Each panel with what Prometheus answers its queries, rows among them."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        lines = [
            Line(
                _legend(target["legendFormat"], series["metric"]),
                [(at, float(value)) for at, value in series["values"]],
            )
            for target in panel.get("targets", [])
            for series in _ask(prometheus, target["expr"], began_at, ended_at)
        ]
        unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "")
        yield Chart(panel["title"], panel["type"], panel["gridPos"], unit, lines)


def _ask(prometheus: PrivatePrometheus, expression: str, began_at: float, ended_at: float) -> list[dict[str, Any]]:
    query = expression.replace("$__rate_interval", RATE_INTERVAL)
    found: list[dict[str, Any]] = prometheus.ask("query_range", query=query, start=began_at, end=ended_at, step=1)[
        "result"
    ]
    return found


def _legend(form: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        form = form.replace("{{" + name + "}}", value)
    return form


if __name__ == "__main__":
    sys.exit(main())
