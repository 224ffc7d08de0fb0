"""Draws charts that come as JSON (bench/charts.py) into a folder: `draw_charts.py FOLDER`. Runs beside matplotlib."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7"]  # of Okabe and Ito: told apart by everyone
INK, GROUND = "#1f2328", "#ffffff"  # an opaque ground: as readable on a dark page
WIDTH_INCHES, BAR_INCHES, FRAME_INCHES = 8.0, 0.28, 1.5
GROUP_WIDTH = 0.8  # of the distance between two groups
STYLE = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "shakerqueue",  # names in the file are the same each time
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "savefig.facecolor": GROUND,
}


def main() -> None:
    """Draw what comes on standard input."""
    folder = Path(sys.argv[1])
    with mpl.rc_context(STYLE):
        for chart in json.load(sys.stdin):
            draw(chart, folder / f"{chart['name']}.svg")


def draw(chart: dict[str, Any], path: Path) -> None:
    """Groups from top to bottom, in each a bar for each series, with its figure at its end."""
    groups = list(dict.fromkeys(bar["group"] for bar in chart["bars"]))
    series = list(dict.fromkeys(bar["series"] for bar in chart["bars"]))
    height = FRAME_INCHES + BAR_INCHES * len(groups) * (len(series) + 1)
    figure, axes = plt.subplots(figsize=(WIDTH_INCHES, height), layout="constrained")
    for number, name in enumerate(series):
        draw_series(axes, chart, groups, name, place=(number - (len(series) - 1) / 2) / len(series), count=len(series))
    axes.set_yticks(range(len(groups)), groups)
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.01)
    axes.set_xlim(left=0)
    axes.set(xlabel=chart["axis"], ylabel=chart["groups"])
    figure.suptitle(chart["title"])
    axes.spines[["top", "right"]].set_visible(False)
    if len(series) > 1:
        figure.legend(loc="outside lower center", ncols=len(series), frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None, "Title": chart["title"]})
    plt.close(figure)


def draw_series(axes: Any, chart: dict[str, Any], groups: list[str], name: str, *, place: float, count: int) -> None:
    """The bars of one series, each with a whisker from the lowest to the highest figure."""
    bars = [bar for bar in chart["bars"] if bar["series"] == name]
    values = [bar["value"] for bar in bars]
    medians = [value["median"] for value in values]
    spread = [
        [value["median"] - value["lowest"] for value in values],
        [value["highest"] - value["median"] for value in values],
    ]
    drawn = axes.barh(
        [groups.index(bar["group"]) + place * GROUP_WIDTH for bar in bars],
        medians,
        height=GROUP_WIDTH / count,
        xerr=spread if any(map(any, spread)) else None,
        error_kw={"ecolor": INK, "capsize": 2, "linewidth": 1},
        color=COLOURS[list(dict.fromkeys(bar["series"] for bar in chart["bars"])).index(name) % len(COLOURS)],
        label=name,
    )
    axes.bar_label(drawn, [figure_of(value) for value in medians], padding=4, fontsize=9)


def figure_of(value: float) -> str:
    """With as many places as one can read from it."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


if __name__ == "__main__":
    main()
