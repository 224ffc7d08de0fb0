"""flask-smorest's blueprint, reading bodies the strict way."""

from typing import Any

import flask_smorest
from flask import Request
from webargs.flaskparser import FlaskParser


class StrictParser(FlaskParser):
    """webargs has a JSON reader of its own; ours is stricter, and each body is read once."""

    def load_json(self, req: Request, schema: Any) -> Any:  # noqa: ARG002 - webargs' signature
        return req.get_json()


class Blueprint(flask_smorest.Blueprint):
    ARGUMENTS_PARSER = StrictParser()
