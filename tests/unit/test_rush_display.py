"""The display of `make rush`: all of it is there on a wide and on a narrow terminal, and as a picture."""

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from dev.rush.display import line, screen
from dev.rush.picture import write_picture
from dev.rush.pulse import Pulse, sparkline
from dev.rush.view import Line, Maker, Part, RecipeQueue, View

SIZES = [(80, 24), (100, 30), (120, 40)]
MAX_PICTURE_BYTES = 150_000
VIEW = View(
    clock="22:31",
    progress=0.71,
    speed=90,
    wave="the rush",
    orders=412,
    orders_per_minute=2.4,
    orders_course=tuple(range(54)),
    drinks=797,
    drinks_per_minute=3.6,
    drinks_course=tuple(reversed(range(54))),
    waiting=41,
    in_hand=9,
    late=7,
    oldest_seconds=1260,
    wait_p50_seconds=118,
    wait_p90_seconds=None,
    queue=(RecipeQueue("Margarita", 9, 3), *(RecipeQueue(f"Long Island Iced Tea {n}", 1, 0) for n in range(30))),
    sold_out=("Mojito",),
    makers=(Maker("ada", "Margarita", 3, 0.6), Maker("ben")),
    happenings=(Line("22:31", "placed", f"table 7: {'3 × Negroni, ' * 20}"), Line("22:30", "unheard of", "ben yawned")),
    parts=(Part("database", "ok"), Part("broker", "connection refused")),
    requests_per_second=28,
    repeated=3,
    unexpected=0,
)
EMPTY = replace(
    VIEW, orders_course=(), drinks_course=(), queue=(), sold_out=(), makers=(), happenings=(), parts=(), late=0
)


def rendered(view: View, width: int, height: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(screen(view, width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("view", [VIEW, EMPTY])
def test_it_fills_the_terminal_and_nothing_more(view: View, width: int, height: int) -> None:
    lines = rendered(view, width, height)
    assert height == len(lines)
    assert {width} == {len(one) for one in lines}


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_all_that_matters_is_there_at_every_size(width: int, height: int) -> None:
    text = "\n".join(rendered(VIEW, width, height))
    for said in (
        *("22:31", "the rush", "×90", "2.4 orders/min", "412 in all", "3.6 drinks/min", "797 in all"),
        *("41 wait", "9 in hand", "oldest 21 min", "7 late", "p50 2 min", "p90 -"),
        *("86 Mojito", "Margarita          12", "3 × Margarita", "free", "22:31 table 7: 3 × Negroni", "ben yawned"),
        *("database ok", "broker connection refused", "28 requests/s", "3 sent again", "0 answered unexpectedly"),
    ):
        assert said in text


def test_what_does_not_fit_of_the_queue_is_counted() -> None:
    [rest] = [one for one in rendered(VIEW, 80, 24) if "more" in one]
    shown = sum("Long Island" in one for one in rendered(VIEW, 80, 24))
    assert f"and {30 - shown} more" in rest
    assert 0 < shown < 30


def test_without_a_terminal_it_is_one_line() -> None:
    said = line(VIEW)
    assert (
        "22:31 the rush: 2.4 orders/min in, 3.6 drinks/min out; 41 wait, 9 in hand, 7 late, the oldest 21 min" in said
    )
    assert "database ok, broker connection refused" in said
    assert 1 == len(said.splitlines())


def test_the_picture_is_small_valid_and_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rush.svg"
    write_picture(VIEW, path)
    svg = path.read_text()
    ET.fromstring(svg)  # noqa: S314 - our own file
    assert MAX_PICTURE_BYTES > len(svg.encode())
    assert ["http://www.w3.org/2000/svg"] == [word for word in svg.split('"') if "://" in word]
    assert "url(http" not in svg


def test_a_pulse_tells_its_rate_and_its_course() -> None:
    pulse = Pulse()
    for minute in range(20):
        pulse.beat(60.0 * minute, times=2)
    assert 2.0 == pulse.per_minute(20 * 60.0)
    assert [10, 10, 10, 10, 0] == pulse.course(20 * 60.0)
    assert (40, 0.0) == (len(pulse), Pulse().per_minute(0.0))


def test_a_sparkline_shows_the_latest_and_fits() -> None:
    assert "▄█" == sparkline([8, 2, 4], 2)
    assert "" == sparkline([], 10)
    assert "  " == sparkline([0, 0], 10)
