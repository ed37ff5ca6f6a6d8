"""A sweep of distribution runs: one that cannot be advanced does not hold up those behind it."""

import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.distribution import request
from vouchers import tasks
from vouchers.models import Campaign, Run, Voucher
from vouchers.services.audience import targeting
from vouchers.services.issuing import minting
from vouchers.states import RunState

pytestmark = pytest.mark.django_db


def campaign_of_today(code: str, **options: object) -> Campaign:
    now = timezone.now()
    days = {"starts_at": now - cast.DAY, "ends_at": now + 9 * cast.DAY, "at": now}
    return cast.running_campaign(code=code, **days, **options)  # type: ignore[arg-type]


def states() -> list[str]:
    return list(Run.objects.order_by("id").values_list("state", flat=True))


def test_a_run_that_fails_does_not_hold_up_the_runs_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast.resident("neighbour")
    first, second = campaign_of_today("first"), campaign_of_today("second")
    failing = request(first, at=timezone.now())
    request(second, at=timezone.now())
    target = targeting.target_run

    def target_others(*, run_id: int, **held: object) -> object:
        if run_id == failing.pk:
            raise ZeroDivisionError
        return target(run_id=run_id, **held)  # type: ignore[arg-type]

    monkeypatch.setattr(targeting, "target_run", target_others)
    with pytest.raises(ExceptionGroup) as failed:
        tasks.sweep_runs()
    assert failed.value.subgroup(ZeroDivisionError)
    assert states() == [RunState.QUEUED, RunState.RESERVED]


def test_a_shard_that_fails_does_not_hold_up_the_shards_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cast.resident("neighbour")
    for code in ("first", "second"):
        request(campaign_of_today(code), at=timezone.now())
    tasks.sweep_runs()
    mint, seen = minting.mint_shard, list[int]()

    def mint_unless_first(**held: object) -> object:
        seen.append(1)
        if len(seen) == 1:
            raise ZeroDivisionError
        return mint(**held)  # type: ignore[arg-type]

    monkeypatch.setattr(minting, "mint_shard", mint_unless_first)
    with pytest.raises(ExceptionGroup):
        tasks.mint_shards()
    assert states() == [RunState.RESERVED, RunState.DONE]
    assert Voucher.objects.count()
