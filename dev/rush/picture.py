"""The display as an SVG, for the README. It names fonts that systems have, and fetches nothing from anywhere."""

import io
from pathlib import Path

from rich.console import Console

from dev.rush.display import HEIGHT, WIDTH, screen
from dev.rush.view import View

TITLE = "make rush"
FONT_ASPECT_RATIO = 0.602  # of DejaVu Sans Mono, and nearly of the others
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font: {char_height}px/{line_height}px ui-monospace, "SFMono-Regular", "DejaVu Sans Mono", \
Menlo, Consolas, monospace }}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x} {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def write_picture(view: View, path: Path) -> None:
    """Write the view as it would stand on the terminal that the display is made for."""
    console = Console(
        record=True, file=io.StringIO(), width=WIDTH, height=HEIGHT, force_terminal=True, color_system="truecolor"
    )
    console.print(screen(view, WIDTH, HEIGHT))
    svg = console.export_svg(title=TITLE, code_format=SVG, font_aspect_ratio=FONT_ASPECT_RATIO, unique_id="rush")
    path.write_text(svg)
