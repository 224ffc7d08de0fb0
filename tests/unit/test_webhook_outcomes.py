"""What came of an attempt: which answers count, when to come again, and an excerpt that can be stored and shown."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.webhooks.outcomes import DAY_SECONDS, Outcome, excerpt_of, parse_retry_after

NOW = datetime(2026, 11, 7, 20, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("86401", DAY_SECONDS),
        ("9" * 5000, DAY_SECONDS),
        ("Sat, 07 Nov 2026 20:01:30 GMT", 90.0),
        ("Saturday, 07-Nov-26 20:01:30 GMT", 90.0),
        ("Sat Nov  7 20:01:30 2026", 90.0),
        ("Sat, 07 Nov 2026 21:01:30 +0100", 90.0),
        ("Sat, 07 Nov 2026 19:00:00 GMT", 0.0),
        ("Sun, 07 Nov 2100 20:00:00 GMT", DAY_SECONDS),
    ],
)
def test_a_receiver_says_when_to_come_again(value: str, seconds: float) -> None:
    assert seconds == parse_retry_after(value, NOW)


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "1e3", "٣", "Sat, 99 Nov 2026 20:00:00 GMT", "\x00"])
def test_a_retry_after_that_says_nothing_is_ignored(value: str) -> None:
    assert None is parse_retry_after(value, NOW)


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ ([+-]\d+|GMT)"))
def test_no_retry_after_is_more_than_a_day(value: str) -> None:
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= DAY_SECONDS


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"taken", "taken"),
        (b"no\r\nsuch\x00order\x1b[31m", "no  such order [31m"),
        ("Grüße 🍸".encode(), "Grüße 🍸"),
        ("\u202eevil\u2028line".encode(), " evil line"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a" * 501, "a" * 500),
        ("🍸".encode() * 501, "🍸" * 500),
        (b"", ""),
    ],
)
def test_an_excerpt_is_a_printable_line_of_500_characters(body: bytes, excerpt: str) -> None:
    assert excerpt == excerpt_of(body)


@given(st.binary(max_size=3000))
def test_an_excerpt_of_anything_is_printable(body: bytes) -> None:
    excerpt = excerpt_of(body)
    assert excerpt.isprintable()
    assert len(excerpt) <= 500


@pytest.mark.parametrize(("status", "delivered"), [(200, True), (204, True), (299, True), (302, False), (410, False)])
def test_only_a_2xx_is_a_delivery(status: int, delivered: bool) -> None:
    outcome = Outcome.answered(status, retry_after=None, body=b"", duration_seconds=0.1)
    assert delivered == outcome.delivered
