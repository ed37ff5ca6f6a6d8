"""Rounds that are distributed by themselves (定时发放): the clock requests their runs."""

import secrets
from datetime import datetime
from itertools import chain

from django.db import transaction
from django.db.models import F, QuerySet

from vouchers.models import Campaign, Round, Run
from vouchers.models.sandbox import campaign_now
from vouchers.services.history import CLOCK
from vouchers.services.issuing.runs import queue_run
from vouchers.services.sweeps import for_each
from vouchers.states import CampaignState, RoundWay

SEED_BYTES = 8


def request_due(*, at: datetime) -> list[Run]:
    """Request the run of every drop that has opened and has none yet: one, or one for each channel
    where quota cells tell channels apart.

    A round that has closed meanwhile is not made up for. A paused campaign's drop waits until it
    is resumed.
    """
    round_ids = _due(at).order_by("opens_at", "id").values_list("id", flat=True)
    return [*chain.from_iterable(for_each(round_ids, lambda round_id: _request(round_id, at)))]


def _due(at: datetime) -> QuerySet[Round]:
    opened = Round.objects.filter(
        way=RoundWay.DROP, campaign__state=CampaignState.RUNNING, runs=None
    ).alias(now=campaign_now(at, "campaign__"))
    return opened.filter(opens_at__lte=F("now"), closes_at__gt=F("now"))


def _request(round_id: int, at: datetime) -> list[Run]:
    """Request the runs under the campaign's lock, so that only one of two sweeps does."""
    with transaction.atomic():
        drop = Round.objects.get(pk=round_id)
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=drop.campaign_id)
        if not _due(at).filter(pk=round_id).exists():
            return []
        named = {cell.channel for cell in campaign.cells.all() if cell.channel}
        channels: list[str | None] = [*sorted(named)] or [None]
        return [
            queue_run(
                campaign=campaign,
                round=drop,
                channel=channel,
                seed=secrets.token_hex(SEED_BYTES),
                by=CLOCK,
                at=at,
            )
            for channel in channels
        ]
