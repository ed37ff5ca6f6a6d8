"""Distribution runs: requested, and their money reserved from the quota cells.

A run goes QUEUED → TARGETED (services/audience/targeting) → RESERVED → DONE
(services/issuing/minting), each arrow one transaction of the worker that holds the lease.
"""

from datetime import datetime

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from vouchers.models import Campaign, Round, Run
from vouchers.models.issuing.tranches import INSERT_SHARD
from vouchers.services.issuing.leases import WORKING_CAMPAIGNS, lock_run
from vouchers.services.issuing.selection import Selection
from vouchers.services.ledger.voucher_money import post_amounts
from vouchers.services.roles import require_permission
from vouchers.services.sandbox import time_in
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RUN_WAYS, AccountKind, Cause, RunState, TransferReason

DISTRIBUTE = "vouchers.add_run"
"""The permission to have vouchers distributed."""
SHARD_VOUCHERS = 100_000
PROGRESS_RESERVED_PCT = 30
CHANNEL_LENGTH = 20


def request_run(
    *,
    campaign: Campaign,
    seed: str,
    by: User,
    at: datetime,
    round: Round | None = None,
    channel: str | None = None,
) -> Run:
    """Queue a run of a launched campaign under the terms in force, for a person.

    Refuses `not_permitted`, and as `queue_run` does.
    """
    require_permission(by, DISTRIBUTE, at=at)
    return queue_run(
        campaign=campaign, seed=seed, by=by.get_username(), at=at, round=round, channel=channel
    )


def queue_run(
    *,
    campaign: Campaign,
    seed: str,
    by: str,
    at: datetime,
    round: Round | None = None,
    channel: str | None = None,
) -> Run:
    """Queue a run without asking for a permission: for scheduled jobs, which do what the terms say.

    With a channel its vouchers count in that channel's quota cells, and a resident may have got as
    many in the same round through another channel. The same request of the same person, while its
    run is under way, is that run: a button was pressed twice. Refuses `campaign_state`,
    `round_unknown` for another campaign's round and for one that is claimed, and `channel_unknown`
    for no channel where quota cells name channels, and for an unknown channel.
    """
    with transaction.atomic():
        held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
        if held.state not in WORKING_CAMPAIGNS or held.terms_id is None:
            raise Refused("campaign_state", "launched", state=held.state)
        if round is not None and round.campaign_id != held.pk:
            raise Refused("round_unknown", round=round.pk)
        if round is not None and round.way not in RUN_WAYS:
            raise Refused("round_unknown", "round_is_claimed", round=round.number)
        _check_channel(held, channel)
        asked = {
            "campaign": held,
            "round": round,
            "channel": channel,
            "terms_id": held.terms_id,
            "seed": seed,
            "requested_by": by,
        }
        over = (RunState.DONE, RunState.CANCELLED)
        under_way = Run.objects.filter(**asked).exclude(state__in=over).first()
        return under_way or Run.objects.create(**asked, state=RunState.QUEUED.value, created_at=at)


def _check_channel(campaign: Campaign, channel: str | None) -> None:
    if channel is None:
        # The cell the vouchers count in would be unknown.
        if campaign.cells.filter(channel__isnull=False).exists():
            raise Refused("channel_unknown", "channel_named")
    elif not 0 < len(channel.strip()) <= CHANNEL_LENGTH:
        raise Refused("channel_unknown", "channel_code", channel=channel)


def reserve_run(*, run_id: int, fence: int, at: datetime, shard_size: int = SHARD_VOUCHERS) -> Run:
    """Decide who gets what and set the money aside: TARGETED → RESERVED, all in one transaction.

    The cells' buckets are locked and read, the selection made on those numbers, headroom taken,
    free → reserved posted, and the chosen people packed into shards. Raises LeaseLostError;
    refuses `source_not_appropriated` and `quota_not_open`.
    """
    with transaction.atomic():
        run = lock_run(run_id=run_id, fence=fence, state=RunState.TARGETED)
        at = time_in(campaign_id=run.campaign_id, at=at)
        selection = Selection(run, at)
        selection.make()
        _post_reservation(run, selection, at)
        shards = _cut(run, selection, shard_size)
        run.selection = selection.summary()
        run.state = RunState.RESERVED.value
        run.progress_pct = PROGRESS_RESERVED_PCT
        run.lease_until_at = None
        run.save(update_fields=["selection", "state", "progress_pct", "lease_until_at"])
        if not shards:
            finish(run=run, at=at)
    return run


def finish(*, run: Run, at: datetime, state: RunState = RunState.DONE) -> None:
    """End a run locked by the caller, as done or cancelled."""
    run.state = state.value
    run.finished_at = at
    run.paused_at = None
    if state is RunState.DONE:
        run.progress_pct = 100
    run.save(update_fields=["state", "progress_pct", "finished_at", "paused_at"])


def _post_reservation(run: Run, selection: Selection, at: datetime) -> None:
    """free → reserved."""
    post_amounts(
        campaign_id=run.campaign_id,
        amounts=[
            (allocation_id, selection.prices[tier.pk], count)
            for tier in selection.tiers
            for allocation_id, count in zip(
                selection.allocation_ids[tier.pk].tolist(),
                selection.counts(tier).tolist(),
                strict=True,
            )
            if count
        ],
        reason=TransferReason.RESERVE,
        cause=Cause.RUN,
        cause_id=run.pk,
        origin=AccountKind.FREE,
        target=AccountKind.RESERVED,
        at=at,
    )


def _cut(run: Run, selection: Selection, shard_size: int) -> int:
    """Pack the chosen into shards, tier after tier, nearest first; returns how many.

    Within a shard they stand in order of resident, so that a voucher's number does not disclose how
    near its holder lives, and the index by resident is built from sorted rows.
    """
    line, number = selection.line, 0
    for tier in selection.tiers:
        every = selection.chosen[tier.pk].member
        for start in range(0, every.size, shard_size):
            member, number = every[start : start + shard_size], number + 1
            member = member[np.argsort(line.resident_id[member], kind="stable")]
            allocation_ids = selection.allocation_ids[tier.pk][line.group[member]]
            INSERT_SHARD.send(
                raw_connection(),
                {
                    "run_id": run.pk,
                    "number": number,
                    "tier_id": tier.pk,
                    "voucher_count": member.size,
                    "resident_ids": line.resident_id[member].astype("<i8").tobytes(),
                    "buckets": line.bucket[member].astype("<i2").tobytes(),
                    "allocation_ids": allocation_ids.astype("<i8").tobytes(),
                },
            )
    return number
