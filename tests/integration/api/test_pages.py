"""The pages as they are sent: what a browser may do with them, and how long it may keep them."""

import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

pytestmark = pytest.mark.shares_bar

PAGES = ("/", "/t/a-scanned-code", "/board", "/manager")


def fetched(client: FlaskClient, path: str) -> TestResponse:
    """The answer, with the file that it was sent from closed."""
    answer = client.get(path)
    answer.close()
    return answer


@pytest.mark.parametrize("page", PAGES)
def test_a_page_may_load_from_its_own_host_alone_and_run_nothing_of_its_own_text(
    client: FlaskClient, page: str
) -> None:
    answer = client.get(page)
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert (200, "text/html") == (answer.status_code, answer.mimetype)
    assert "'none'" == policy["default-src"]
    assert {"'self'"} == {policy[f"{kind}-src"] for kind in ("script", "style", "connect", "img")}
    assert "'none'" == policy["frame-ancestors"]
    assert [] == re.findall(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\bsrc=)|https?://", answer.text)


@pytest.mark.parametrize("page", PAGES)
def test_all_that_a_page_names_is_there_and_is_kept_for_ever(client: FlaskClient, page: str) -> None:
    names = re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get(page).text)
    assert names
    answers = [fetched(client, name) for name in names]
    assert [(200, True)] * len(names) == [
        (it.status_code, "immutable" in it.headers["Cache-Control"]) for it in answers
    ]


def test_what_an_older_page_asks_for_is_not_kept(client: FlaskClient) -> None:
    answer = fetched(client, "/static/another-version/base.css")
    assert (200, "no-cache") == (answer.status_code, answer.headers["Cache-Control"])


@pytest.mark.parametrize("name", ["../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "nothing.js", ""])
def test_nothing_but_assets_is_sent(client: FlaskClient, name: str) -> None:
    assert 404 == client.get(f"/static/x/{name}").status_code


def test_data_is_never_taken_for_a_page(client: FlaskClient) -> None:
    headers = client.get("/menu").headers
    assert "nosniff" == headers["X-Content-Type-Options"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
