"""When a message is sent again."""

import pytest

from consumer.webhooks.schedule import DELAYS_SECONDS, JITTER, delay_seconds

THREE_DAYS_SECONDS = 3 * 24 * 3600


def test_it_is_tried_for_three_days_and_then_given_up() -> None:
    waits = [delay_seconds(failures, None) for failures in range(1, len(DELAYS_SECONDS) + 2)]
    assert waits.pop() is None
    waited = sum(wait for wait in waits if wait is not None)
    assert THREE_DAYS_SECONDS * 0.9 < waited < THREE_DAYS_SECONDS * 1.2


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 30), (3, 300), (4, 1800), (5, 7200)])
def test_the_delays_are_those_that_are_documented_give_or_take_a_tenth(failures: int, seconds: float) -> None:
    drawn = [delay_seconds(failures, None) or 0 for _ in range(200)]
    assert seconds * (1 - JITTER) <= min(drawn) < seconds < max(drawn) <= seconds * (1 + JITTER)


def test_a_receiver_may_ask_for_more_time_and_not_for_less() -> None:
    assert 120 == delay_seconds(1, 120.0)
    assert (delay_seconds(4, 1.0) or 0) > 1000
