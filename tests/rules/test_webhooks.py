"""How long a delivery that failed waits, and when it is given up."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.cast import NOON
from vouchers.rules.webhooks import (
    DISABLED_AFTER,
    JITTER,
    REST_FIRST_S,
    REST_MAX_S,
    RETRY_AFTER_MAX_S,
    WAITS_S,
    EventType,
    is_dead,
    rest_s,
    wait_s,
)

DAY_S = 24 * 3600
DOCS = Path(__file__).parent.parent.parent / "docs"


def test_waits_follow_the_table_a_tenth_longer_at_most_and_the_same_each_time() -> None:
    for number, wait in enumerate(WAITS_S, start=1):
        drawn = wait_s(failed_tries=number, message_id=7)
        assert drawn is not None
        assert wait <= drawn <= wait * (1 + JITTER)
        assert wait_s(failed_tries=number, message_id=7) == drawn


def test_messages_that_failed_together_do_not_return_together() -> None:
    assert len({wait_s(failed_tries=4, message_id=number) for number in range(50)}) > 20


def test_a_message_is_given_up_after_days() -> None:
    assert sum(WAITS_S) > 3 * DAY_S
    assert wait_s(failed_tries=len(WAITS_S) + 1, message_id=1) is None


def test_a_receiver_may_ask_for_more_time_but_not_for_ever() -> None:
    assert wait_s(failed_tries=1, message_id=1, retry_after_s=77) == 77
    assert wait_s(failed_tries=1, message_id=1, retry_after_s=10**8) == RETRY_AFTER_MAX_S
    assert rest_s(failures=1, retry_after_s=77) == 77


def test_an_endpoint_rests_twice_as_long_each_time_up_to_ten_minutes() -> None:
    assert [rest_s(failures=n) for n in (1, 2, 3)] == [
        REST_FIRST_S,
        2 * REST_FIRST_S,
        4 * REST_FIRST_S,
    ]
    assert rest_s(failures=1_000_000) == REST_MAX_S


def test_an_endpoint_is_dead_after_five_days_of_failures() -> None:
    assert is_dead(failing_since_at=NOON, at=NOON + DISABLED_AFTER)
    assert not is_dead(failing_since_at=NOON, at=NOON + DISABLED_AFTER - timedelta(seconds=1))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_event_is_on_the_integrators_page(language: str) -> None:
    page = (DOCS / language / "integrator/webhooks.md").read_text(encoding="utf-8")
    assert [event for event in EventType if f"| `{event}` |" not in page] == []
