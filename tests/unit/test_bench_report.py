"""The benchmark's figures: read from what wrk prints, summed up over rounds that count, shown as a table."""

from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest

from bench import report, results, section, wrk
from bench.figures import Spread, Times
from bench.intake import queue_problems
from bench.queues import Drained
from bench.results import Machine, Results, Round
from dev.servers import ServerError

# What wrk 4.1 prints, and the line that our script adds.
WRK_OUTPUT = """\
Running 5s test @ http://127.0.0.1:8080/orders
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    31.12ms    9.87ms  98.04ms   81.20%%
    Req/Sec     2.05k   201.11     2.51k    68.00%%
  10200 requests in 5.01s, 3.71MB read
Requests/sec:   2035.93
Transfer/sec:    758.42KB

{"answers":10200,"duration_us":5000000,"p50_us":29500,"p99_us":61250,"not_accepted":%d,"first_other_status":%d,\
"socket_errors":%d}
"""


def measured(contender: str, number: int, rate: float, *problems: str, connections: int = 64, **figures: Any) -> Round:
    fixed = {"accepted": 100, "p50_ms": 10.0, "p99_ms": 20.0, "orders_in_queue": 100, "messages_in_queue": 25}
    return Round(
        contender=contender,
        number=number,
        connections=connections,
        accepted_per_second=rate,
        problems=list(problems),
        **{**fixed, **figures},
    )


def run_of(*rounds: Round) -> Results:
    return Results(
        measured_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        command="python -m bench",
        machine=Machine(cpu="A CPU", cores=2, memory_gib=3.8, system="A system", python="3.11.2", load_average=0.1),
        servers="RabbitMQ 3.10.8, PostgreSQL 18.4",
        seconds=5,
        packages={"Ours": {"flask": "3.1.3"}, "Peer": {"fastapi": "0.1"}},
        rounds=list(rounds),
    )


def test_the_scripts_line_is_found_in_what_wrk_prints() -> None:
    load = wrk.parse(WRK_OUTPUT % (0, 0, 0))

    assert 2040 == load.accepted_per_second
    assert (29_500, 61_250) == (load.p50_us, load.p99_us)
    assert [] == load.problems


def test_answers_other_than_202_are_not_orders_and_void_the_round() -> None:
    load = wrk.parse(WRK_OUTPUT % (200, 503, 1))

    assert 2000 == load.accepted_per_second
    assert [
        "200 answers other than 202, the first of them 503",
        "1 connections failed or timed out",
    ] == load.problems


def test_a_line_that_is_missing_is_an_error() -> None:
    with pytest.raises(ServerError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused\n")


@pytest.mark.parametrize(
    ("ids", "problems"),
    [
        (["a", "b"], []),
        (["a", "b", "c"], []),  # one more: accepted, but wrk had stopped listening
        (["a"], ["2 orders accepted, but 1 in the queue"]),
        (["a", "b", "c", "d"], ["2 orders accepted, but 4 in the queue"]),
        (["a", "a"], ["an order is in the queue twice"]),
    ],
)
def test_the_queue_must_hold_what_was_accepted(ids: list[str], problems: list[str]) -> None:
    assert problems == queue_problems(2, connections=1, drained=Drained(ids, messages=1))


def test_rounds_are_compared_with_their_neighbours() -> None:
    run = run_of(
        *(measured("Ours", 1, 300), measured("Peer", 1, 200)),
        *(measured("Ours", 2, 400), measured("Peer", 2, 200)),
        *(measured("Ours", 3, 900), measured("Peer", 3, 100, "one answer was 503")),
    )

    assert Spread(median=1.75, lowest=1.5, highest=2.0) == results.ratio(run, "Ours", "Peer", 64)
    assert results.ratio(run, "Ours", "Peer", 16) is None
    assert [("Ours", 3), ("Peer", 2)] == [(found.contender, found.rounds) for found in results.summaries(run)]


def test_times_are_shown_in_milliseconds() -> None:
    assert Times(p50=500.0, p99=990.0, longest=1000.0) == Times.of([number / 100 for number in range(101)])


def test_the_table_shows_medians_spread_and_ratio() -> None:
    run = run_of(
        *(measured("Ours", 1, 3000, connections=1), measured("Peer", 1, 2000, connections=1)),
        *(measured("Ours", 1, 5000), measured("Peer", 1, 2500, p99_ms=81.94)),
        *(measured("Ours", 2, 4000), measured("Peer", 2, 2500, p99_ms=81.94)),
    )

    assert """\
| connections |      | accepted/s (lowest to highest) | p50 ms | p99 ms | ours to it          |
| ----------- | ---- | ------------------------------ | ------ | ------ | ------------------- |
| 1           | Ours | 3,000 (3,000 to 3,000)         | 10.0   | 20.0   |                     |
| 1           | Peer | 2,000 (2,000 to 2,000)         | 10.0   | 20.0   | 1.50 (1.50 to 1.50) |
| 64          | Ours | 4,500 (4,000 to 5,000)         | 10.0   | 20.0   |                     |
| 64          | Peer | 2,500 (2,500 to 2,500)         | 10.0   | 81.9   | 1.80 (1.60 to 2.00) |""" == report.table(run)


def test_a_round_that_does_not_count_is_listed() -> None:
    run = run_of(measured("Ours", 1, 3000), measured("Ours", 2, 0, "no order was accepted"))

    shown = report.section(run)

    assert "| 3,000 (3,000 to 3,000)" in shown
    assert "- not counted: Ours, 64 connections, round 2: no order was accepted" in shown
    assert "packed into one message, by connections: 4.0 at 64" in shown


def test_a_chart_says_in_words_what_it_shows() -> None:
    rate, slowest = report.charts(run_of(measured("Ours", 1, 14_338), measured("Peer", 1, 2000)))

    assert "connections: 64, Ours: 14,338.0; 64, Peer: 2,000.0." in rate.alternative
    assert report.image(rate).endswith("](performance/intake.svg)")
    assert [20.0, 20.0] == [bar.value.median for bar in slowest.bars]


@pytest.mark.parametrize("part", report.PARTS)
def test_each_part_can_be_asked_for_its_options(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = import_module(f"bench.{part}")
    assert vars(module.parse_options([]))
    with pytest.raises(SystemExit, match="0"):
        module.parse_options(["--help"])
    assert f"usage: python -m bench.{part}" in capsys.readouterr().out


def test_only_what_is_between_the_markers_is_replaced() -> None:
    document = "before\n<!-- drain: written by python -m bench.report -->\n{}\n<!-- /drain -->\nafter\n"

    assert document.format("new") == section.with_part(document.format("old"), "drain", "new")
    with pytest.raises(ValueError, match="not in the document"):
        section.with_part("no markers", "drain", "new")


@pytest.mark.parametrize("part", [*report.INTAKE, *report.PARTS])
def test_the_document_has_the_markers_of_each_part(part: str) -> None:
    assert "new" in section.with_part(section.DOCUMENT.read_text("utf-8"), part, "new")
