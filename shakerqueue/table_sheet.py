"""The printable page: each table's label over the code that its guests scan."""

from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from shakerqueue.qr_codes import qr_code_svg

STYLE = """
@page { margin: 12mm }
body { margin: 0; font-family: system-ui, sans-serif; text-align: center; color: #000; background: #fff }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(58mm, 1fr)); gap: 6mm }
section { break-inside: avoid; padding: 5mm; border: 0.3mm dashed #999 }
h2 { margin: 0; font-size: 9mm; overflow-wrap: anywhere }
svg { display: block; width: 48mm; max-width: 100%; margin: 0 auto }
p { margin: 0; font-size: 4.5mm }
""".strip()


class PrintedLink(NamedTuple):
    """What stands on one table."""

    label: str
    url: str


def printable_page(links: Iterable[PrintedLink]) -> str:
    """An HTML page that holds all it needs, one card a table."""
    cards = "\n".join(_card(link) for link in links)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Table codes</title>
<style>
{STYLE}
</style>
</head>
<body>
<main>
{cards}
</main>
</body>
</html>
"""


def _card(link: PrintedLink) -> str:
    return f"<section>\n<h2>{escape(link.label)}</h2>\n{qr_code_svg(link.url)}\n<p>Scan to order</p>\n</section>"
