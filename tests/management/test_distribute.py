"""The command distribute asks for a run and shows its progress until it is over."""

import time
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils import timezone, translation

from tests.support import cast
from vouchers import tasks
from vouchers.models import Campaign, Run, Voucher
from vouchers.services.issuing import control
from vouchers.states import RunState

PATIENCE_S = 30


def distributed(*arguments: str) -> str:
    output = StringIO()
    with translation.override("en"):
        call_command("distribute", *arguments, "--by", "mei", stdout=output)
    return output.getvalue()


def campaign_of_today() -> Campaign:
    now = timezone.now()
    for number in range(3):
        cast.resident(f"neighbour{number}")
    return cast.running_campaign(starts_at=now - cast.DAY, ends_at=now + 9 * cast.DAY, at=now)


@pytest.mark.django_db
def test_without_waiting_the_run_is_left_to_the_workers() -> None:
    campaign = campaign_of_today()
    said = distributed(campaign.code, "--no-wait", "--seed", "s1")
    run = Run.objects.get()
    assert f"Run {run.pk} is queued." in said
    assert (run.state, run.seed, run.requested_by) == (RunState.QUEUED, "s1", "mei")


@pytest.mark.django_db
def test_what_is_refused_is_said_and_nothing_is_queued() -> None:
    draft = cast.spring_campaign()
    with pytest.raises(CommandError, match="draft"):
        distributed(draft.code)
    with pytest.raises(CommandError, match="no round 7"):
        distributed(campaign_of_today().code, "--round", "7")
    assert not Run.objects.exists()


def as_worker(*, cancels: bool = False) -> None:
    """What a worker does with the first run that appears; or a manager, who cancels it."""
    end = time.monotonic() + PATIENCE_S
    try:
        while not (run := Run.objects.first()):
            assert time.monotonic() < end
            time.sleep(0.02)
        if cancels:
            control.cancel_run(run=run, reason="late", by=cast.mei(), at=timezone.now())
        tasks.sweep_runs()
        tasks.mint_shards()
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_it_is_watched_to_its_end() -> None:
    campaign = campaign_of_today()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(as_worker)
        said = distributed(campaign.code)
        work.result(PATIENCE_S)
    assert "done · 9 of 9 vouchers" in said
    assert Voucher.objects.count() == 9


@pytest.mark.django_db(transaction=True)
def test_a_run_that_is_cancelled_meanwhile_is_an_error() -> None:
    campaign = campaign_of_today()
    cast.mei()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(as_worker, cancels=True)
        with pytest.raises(CommandError, match="was cancelled"):
            distributed(campaign.code)
        work.result(PATIENCE_S)
    assert not Voucher.objects.exists()
