"""QR codes (ISO/IEC 18004), drawn for paper."""

from io import BytesIO

import segno

ERROR_CORRECTION = "m"  # 15 % of a code may be stained; what a longer code would cost in a dim bar is not worth more
QUIET_ZONE = 4  # modules of white around it, as the standard asks


def qr_code_svg(text: str) -> str:
    """The code as an SVG element, as large as the place it is put in; black on white, whatever the page's colours."""
    svg = BytesIO()
    code = segno.make_qr(text, error=ERROR_CORRECTION)
    code.save(svg, kind="svg", border=QUIET_ZONE, light="#fff", xmldecl=False, omitsize=True, nl=False)
    return svg.getvalue().decode()
