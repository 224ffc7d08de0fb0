"""GET /openapi.json."""

import json

import pytest
from flask.testing import FlaskClient

from dev.openapi import FILE

pytestmark = pytest.mark.shares_bar


def test_the_document_is_the_one_that_is_kept_with_the_code(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    assert (200, "application/json") == (answer.status_code, answer.content_type)
    assert json.loads(FILE.read_text()) == answer.get_json()


def test_who_has_the_document_is_told_that_it_still_holds(client: FlaskClient) -> None:
    etag = client.get("/openapi.json").headers["ETag"]
    again = client.get("/openapi.json", headers={"If-None-Match": etag})
    assert (304, b"", etag) == (again.status_code, again.data, again.headers["ETag"])


def test_a_program_may_keep_the_document_but_has_to_ask(client: FlaskClient) -> None:
    assert "no-cache" == client.get("/openapi.json").headers["Cache-Control"]
