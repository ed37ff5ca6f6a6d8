"""What people and the clock do to a run under way: pause, resume, cancel, wind up."""

from collections import Counter
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from vouchers.models import Run, Shard
from vouchers.models.sandbox import campaign_now
from vouchers.services.history import note
from vouchers.services.issuing.leases import PACKED
from vouchers.services.issuing.minting import counts_of, people_of, post_shard
from vouchers.services.issuing.runs import finish
from vouchers.services.ledger import quotas
from vouchers.services.roles import require_permission
from vouchers.services.sandbox import time_in
from vouchers.services.sweeps import for_each
from vouchers.states import AccountKind, CampaignState, RunState, ShardState, TransferReason

DISTRIBUTE = "vouchers.add_run"
"""The permission to request runs and to pause, resume and cancel them."""

WAITING_RUNS = (RunState.QUEUED, RunState.TARGETING, RunState.TARGETED)
LIVE_RUNS = (*WAITING_RUNS, RunState.RESERVED)
OVER_CAMPAIGNS = (CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED)


def pause_run(*, run: Run, reason: str, by: User, at: datetime) -> None:
    """No worker takes up the run any more; the shard that one is minting is finished.

    Refuses `not_permitted`, and `run_state` for a run that is over or paused.
    """
    require_permission(by, DISTRIBUTE, at=at)
    with transaction.atomic():
        held = _lock_live(run, is_paused=False)
        held.paused_at = at
        held.save(update_fields=["paused_at"])
        note(held, by=by, what=_("paused"), at=at, reason=reason)
    run.refresh_from_db()


def resume_run(*, run: Run, reason: str, by: User, at: datetime) -> None:
    """Workers take the run up where it was. Refuses `not_permitted`, and `run_state` for a run
    that is over or not paused."""
    require_permission(by, DISTRIBUTE, at=at)
    with transaction.atomic():
        held = _lock_live(run, is_paused=True)
        held.paused_at = None
        held.save(update_fields=["paused_at"])
        note(held, by=by, what=_("resumed"), at=at, reason=reason)
    run.refresh_from_db()


def cancel_run(*, run: Run, reason: str, by: User, at: datetime) -> None:
    """Stop a run for good. What is minted stays in its wallets; what is not goes back into its
    cells and is free again, all in one transaction.

    Waits for workers that are minting one of its shards. Refuses `not_permitted`, and `run_state`
    for a run that is over.
    """
    require_permission(by, DISTRIBUTE, at=at)
    with transaction.atomic():
        moved_at = time_in(campaign_id=run.campaign_id, at=at)
        held = _release(run.pk, RunState.CANCELLED, moved_at)
        if held is None:
            raise _over(Run.objects.get(pk=run.pk))
        note(held, by=by, what=_("cancelled"), at=at, reason=reason)
    run.refresh_from_db()


def wind_up(*, at: datetime) -> int:
    """End the runs of campaigns that are over, each at its campaign's time: unminted money goes
    back, waiting runs stop.

    Returns how many runs were ended.
    """
    over = Run.objects.alias(now=campaign_now(at, "campaign__")).filter(
        Q(campaign__state__in=OVER_CAMPAIGNS) | Q(campaign__ends_at__lte=F("now")),
        state__in=LIVE_RUNS,
    )
    runs = over.values_list("id", "campaign_id")
    return sum(for_each(runs, lambda run: _wind_up_run(*run, at)))


def _wind_up_run(run_id: int, campaign_id: int, at: datetime) -> bool:
    with transaction.atomic():
        moved_at = time_in(campaign_id=campaign_id, at=at)
        return _release(run_id, RunState.DONE, moved_at) is not None


def _release(run_id: int, to: RunState, at: datetime) -> Run | None:
    """Give back what is not minted and end the run in `to`, or as cancelled where nothing was
    reserved yet; None for a run that is over."""
    # Shards before the run, as minting locks them.
    unminted = list(
        Shard.objects.select_for_update(no_key=True, of=("self",))
        .filter(run_id=run_id)
        .exclude(state=ShardState.DONE)
        .select_related("run")
        .defer(*PACKED)
        .order_by("number")
    )
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.state not in LIVE_RUNS:
        return None
    if run.state in WAITING_RUNS:
        finish(run=run, at=at, state=RunState.CANCELLED)
        return run
    returned: Counter[int] = Counter()
    for shard in unminted:
        price = quotas.prices_of([shard.tier_id])[shard.tier_id]
        counts = counts_of(people_of(shard))
        post_shard(
            shard, counts, price, reason=TransferReason.RELEASE, target=AccountKind.FREE, at=at
        )
        returned.update(counts)
    quotas.give_back(vouchers=returned)
    run.selection["released_vouchers"] = returned.total()
    run.save(update_fields=["selection"])
    finish(run=run, at=at, state=to)
    return run


def _lock_live(run: Run, *, is_paused: bool) -> Run:
    held = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
    if held.state not in LIVE_RUNS or (held.paused_at is not None) is not is_paused:
        raise _over(held)
    return held


def _over(run: Run) -> Refused:
    return Refused("run_state", state="paused" if run.paused_at else run.state)
