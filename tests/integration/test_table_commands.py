"""`shakerqueue table-links`: makes tables, prints their links and a page of codes, or says in one line why not."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from shakerqueue.qr_codes import qr_code_svg
from tests.support.bar import Bar

BAR_EXAMPLE = "https://bar.example"


def table_links(bar: Bar, *options: str, public_url: str | None = BAR_EXAMPLE) -> subprocess.CompletedProcess[str]:
    environment = bar.environment(port=1)
    environment.pop("PUBLIC_URL", None)
    return subprocess.run(
        [sys.executable, "-m", "shakerqueue.cli", "table-links", *options],
        env={**environment, "PUBLIC_URL": public_url} if public_url else environment,
        capture_output=True,
        text=True,
        check=False,
    )


def printed(bar: Bar, *options: str) -> dict[str, str]:
    ran = table_links(bar, *options)
    assert 0 == ran.returncode, ran.stderr
    return dict(line.split("\t") for line in ran.stdout.splitlines())


def test_missing_tables_are_made_and_links_stay(bar: Bar) -> None:
    first = printed(bar, "--labels", "8-11,Bar, Terrace 2")
    assert ["8", "9", "10", "11", "Bar", "Terrace 2"] == list(first)
    assert all(link.startswith(f"{BAR_EXAMPLE}/t/") for link in first.values())
    assert {"Bar": first["Bar"]} == printed(bar, "--labels", "bar")
    assert first == printed(bar)
    assert 6 == bar.query("SELECT count(*) FROM tables")[0][0]


def test_the_page_holds_each_label_and_code_and_nothing_from_elsewhere(bar: Bar, tmp_path: Path) -> None:
    links = printed(bar, "--labels", "1-3,<Bar & Co>", "--html", str(tmp_path / "codes.html"))
    page = (tmp_path / "codes.html").read_text()
    assert all(qr_code_svg(link) in page for link in links.values())
    assert "<h2>&lt;Bar &amp; Co&gt;</h2>" in page
    without_svg_namespace = page.replace("http://www.w3.org/2000/svg", "")
    assert "http" not in without_svg_namespace


def test_the_page_can_be_piped(bar: Bar) -> None:
    ran = table_links(bar, "--labels", "1", "--html", "-")
    assert ran.stdout.startswith("<!doctype html>")
    assert ran.stdout.endswith("</html>\n")
    assert ran.stderr.startswith("1\thttps://")


def test_the_address_may_be_given(bar: Bar) -> None:
    ran = table_links(bar, "--labels", "1", "--url", "http://10.0.0.5:8080/", public_url=None)
    assert ran.stdout.startswith("1\thttp://10.0.0.5:8080/t/")


def test_without_tables_it_says_so(bar: Bar) -> None:
    assert "no tables\n" == table_links(bar).stdout


@pytest.mark.parametrize(
    ("options", "public_url", "says"),
    [
        ([], None, "shakerqueue: set PUBLIC_URL, or give --url: a link has to say how guests reach the pages"),
        (
            ["--url", "bar.example"],
            None,
            "shakerqueue: bar.example is not scheme and host, such as https://bar.example",
        ),
        (["--labels", "1,,2"], BAR_EXAMPLE, "shakerqueue: labels.1: Length must be between 1 and 40."),
        (["--labels", "1-201"], BAR_EXAMPLE, "shakerqueue: labels: Length must be between 1 and 200."),
        (["--labels", "9-1"], BAR_EXAMPLE, "shakerqueue: labels: 9-1 counts backwards"),
        (["--labels", "1", "--html", "/nowhere/codes.html"], BAR_EXAMPLE, "/nowhere/codes.html"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said_in_one_line(bar: Bar, options: list[str], public_url: str | None, says: str) -> None:
    ran = table_links(bar, *options, public_url=public_url)
    assert (1, "") == (ran.returncode, ran.stdout)
    [line] = ran.stderr.splitlines()
    assert says in line


def test_a_database_that_is_away_is_said_too(bar: Bar) -> None:
    away = replace(bar, database_url="postgresql://127.0.0.1:1/none")
    assert "shakerqueue: database unavailable" in table_links(away).stderr
