"""Panels as one SVG: lines over time, with the names of the lines and their last values."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

CELL_WIDTH, CELL_HEIGHT = 54, 32  # of the dashboard's grid
MARGIN, TITLE_HEIGHT, LEGEND_HEIGHT, AXIS_WIDTH = 4, 20, 15, 48
MAX_LEGENDS = 4
COLOURS = ("#4c9aff", "#ff9f1c", "#2ec4b6", "#e71d36", "#b388eb", "#8ac926", "#f15bb5", "#9aa5b1")
STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #d6dbe1 }
.title { font-weight: bold }
.row { font: bold 13px system-ui, sans-serif }
.value { font: bold 26px system-ui, sans-serif }
.faint { fill: #8a939c }
"""
SCALES = {"s": ((1e-3, "ms", 1e3), (1.0, "s", 1.0)), "bytes": ((1.0, "MiB", 1 / 2**20),)}


class Line(NamedTuple):
    """A series: its name, and its values by the second."""

    name: str
    points: Sequence[tuple[float, float]]

    @property
    def finite(self) -> list[tuple[float, float]]:
        """Without what there was nothing to reckon of."""
        return [(at, value) for at, value in self.points if math.isfinite(value)]


class Chart(NamedTuple):
    """A panel: `kind` and `place` as the dashboard has them."""

    title: str
    kind: str
    place: dict[str, int]
    unit: str
    lines: Sequence[Line]


def draw(charts: Sequence[Chart]) -> str:
    """The whole dashboard."""
    width = max(chart.place["x"] + chart.place["w"] for chart in charts) * CELL_WIDTH
    height = max(chart.place["y"] + chart.place["h"] for chart in charts) * CELL_HEIGHT
    body = "\n".join(_panel(chart) for chart in charts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n<style>\n{STYLE}</style>\n'
        f'<rect width="{width}" height="{height}" fill="#111417"/>\n{body}\n</svg>\n'
    )


def _panel(chart: Chart) -> str:
    x, y = chart.place["x"] * CELL_WIDTH, chart.place["y"] * CELL_HEIGHT
    width, height = chart.place["w"] * CELL_WIDTH - MARGIN, chart.place["h"] * CELL_HEIGHT - MARGIN
    if chart.kind == "row":
        return f'<text class="row" x="{x + MARGIN}" y="{y + TITLE_HEIGHT}">{escape(chart.title)}</text>'
    inside = _value(chart, width, height) if chart.kind == "stat" else _plot(chart, width, height)
    return (
        f'<g transform="translate({x} {y})"><rect width="{width}" height="{height}" rx="3" fill="#1b2025"/>'
        f'<text class="title" x="8" y="15">{escape(chart.title)}</text>{"".join(inside)}</g>'
    )


def _value(chart: Chart, width: int, height: int) -> Iterator[str]:
    points = [point for line in chart.lines for point in line.finite]
    told = shown(points[-1][1], chart.unit) if points else "nothing"
    yield f'<text class="value" x="{width / 2:.0f}" y="{height * 0.65:.0f}" text-anchor="middle">{told}</text>'


def _plot(chart: Chart, width: int, height: int) -> Iterator[str]:
    lines = [line for line in chart.lines if line.finite]
    if not lines:
        yield f'<text class="faint" x="8" y="{height / 2:.0f}">nothing to tell in this run</text>'
        return
    bottom = height - LEGEND_HEIGHT * min(len(lines), MAX_LEGENDS) - 6
    times = [at for line in lines for at, _ in line.points]
    highest = max(value for line in lines for _, value in line.finite) or 1.0
    first, span = min(times), (max(times) - min(times)) or 1.0
    yield f'<text class="faint" x="4" y="{TITLE_HEIGHT + 9}">{shown(highest, chart.unit)}</text>'
    yield f'<text class="faint" x="4" y="{bottom}">0</text>'
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{AXIS_WIDTH + (at - first) / span * (width - AXIS_WIDTH - 8):.1f},"
            f"{bottom - max(0.0, value) / highest * (bottom - TITLE_HEIGHT - 4):.1f}"
            for at, value in line.finite
        )
        yield f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
    yield from _legends(chart, lines, bottom)


def _legends(chart: Chart, lines: Sequence[Line], bottom: int) -> Iterator[str]:
    for number, line in enumerate(lines[:MAX_LEGENDS]):
        y = bottom + LEGEND_HEIGHT * (number + 1)
        more = f" … and {len(lines) - MAX_LEGENDS} more" if number == MAX_LEGENDS - 1 < len(lines) - 1 else ""
        last = shown(line.finite[-1][1], chart.unit)
        yield f'<rect x="8" y="{y - 8}" width="10" height="3" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield f'<text x="24" y="{y - 2}">{escape(line.name)}: {last}{more}</text>'


def shown(value: float, unit: str) -> str:
    """A value with its unit, as short as it can be read."""
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit == "reqps":
        return f"{value:.3g}/s"
    scale = next((one for one in reversed(SCALES.get(unit, ())) if abs(value) >= one[0]), SCALES.get(unit, (None,))[0])
    return f"{value * scale[2]:.3g} {scale[1]}" if scale else f"{value:.4g}"
