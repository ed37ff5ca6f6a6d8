"""What beat sends, and at which hours."""

import pytest

from config.celery import SWEEPS_S, app
from vouchers import tasks


@pytest.mark.parametrize("entry", app.conf.beat_schedule)
def test_every_entry_is_a_task_that_there_is(entry: str) -> None:
    assert app.conf.beat_schedule[entry]["task"] == getattr(tasks, entry).name


def test_the_books_are_audited_at_half_past_three_in_the_installations_zone() -> None:
    schedule = app.conf.beat_schedule["audit_books"]["schedule"]
    assert (schedule.hour, schedule.minute) == ({3}, {30})
    assert str(app.timezone) == "Asia/Shanghai"


def test_a_killed_workers_run_waits_at_most_fifteen_seconds_for_another_worker() -> None:
    assert tasks.LEASE_S + SWEEPS_S["sweep_runs"] <= 15


def test_what_rules_notice_is_a_case_within_a_minute_also_when_one_sweep_is_missed() -> None:
    assert 2 * SWEEPS_S["gather_cases"] <= 60
