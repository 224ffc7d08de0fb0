"""The plugin's one step: a request read, files or errors written."""

import base64
import json
from typing import BinaryIO, TextIO

from .errors import CodegenError
from .render import render
from .request import parse


def main(source: BinaryIO, sink: TextIO, errors: TextIO) -> int:
    """Answer sqlc's request; the return value is the exit code."""
    try:
        files = render(parse(source.read()))
    except CodegenError as error:
        errors.write(f"\n{error}\n")  # sqlc puts words of its own before it
        return 1
    encoded = [{"name": name, "contents": _base64(text)} for name, text in sorted(files.items())]
    json.dump({"files": encoded}, sink)
    return 0


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
