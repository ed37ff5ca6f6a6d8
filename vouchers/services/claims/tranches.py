"""Tranches that claims are made into: opened empty before their round, grown by the claims."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from vouchers.models import Campaign, Round, Tier, Tranche
from vouchers.models.issuing.runs import TRANCHE_MAX_VOUCHERS
from vouchers.models.issuing.tranches import ATTACH_TRANCHE, OPEN_TRANCHE
from vouchers.models.locks import SHARE_TERMS
from vouchers.models.sandbox import campaign_now
from vouchers.services.ledger import quotas
from vouchers.services.sweeps import for_each
from vouchers.sql.pipeline import raw_connection
from vouchers.states import CLAIMED_WAYS, CampaignState, TrancheState

AHEAD = timedelta(minutes=15)
"""How long before a round its tranches are opened."""


def open_coming(*, at: datetime) -> int:
    """Open a tranche for each tier of the rounds that are claimed now or soon; returns how many
    were opened. A claim that finds none opens its own, which only costs it time."""
    rounds = Round.objects.alias(now=campaign_now(at, "campaign__")).filter(
        way__in=CLAIMED_WAYS,
        opens_at__lte=F("now") + AHEAD,
        closes_at__gt=F("now"),
        campaign__state__in=[CampaignState.SCHEDULED, CampaignState.RUNNING],
        campaign__tiers__isnull=False,
    )
    pairs = rounds.values_list("id", "campaign__tiers").order_by("id", "campaign__tiers")
    return sum(for_each(pairs, lambda pair: open_tranche(round_id=pair[0], tier_id=pair[1], at=at)))


def open_tranche(*, round_id: int, tier_id: int, at: datetime) -> bool:
    """Open a tranche for the claims of a tier in a round, unless one has room; whether it did.

    Its vouchers are valid from the round's opening to the campaign's validity after its close, at
    most to the campaign's end; the terms in force are frozen into it.
    """
    with transaction.atomic():
        tier = Tier.objects.get(pk=tier_id)
        # Of several who find none the first opens it.
        campaign = Campaign.objects.select_for_update(no_key=True).get(pk=tier.campaign_id)
        mine = Tranche.objects.filter(
            round_id=round_id, tier_id=tier_id, shard=None, state=TrancheState.OUTSTANDING.value
        )
        if mine.filter(voucher_count__lt=TRANCHE_MAX_VOUCHERS).exists():
            return False
        SHARE_TERMS.send(raw_connection(), {"campaign_id": campaign.pk}).rows()
        tranche = _create(campaign, tier, Round.objects.get(pk=round_id), at)
        OPEN_TRANCHE.send(raw_connection(), {"tranche_id": tranche.pk}).rows()
        ATTACH_TRANCHE.send(raw_connection(), {"tranche_id": tranche.pk}).rows()
    return True


def _create(campaign: Campaign, tier: Tier, claimed: Round, at: datetime) -> Tranche:
    assert campaign.terms_id is not None  # of every launched campaign: approved_campaign_has_terms
    price = quotas.prices_of([tier.pk])[tier.pk]
    until_at = claimed.closes_at + timedelta(seconds=campaign.validity_s)
    return Tranche.objects.create(
        campaign=campaign,
        tier=tier,
        round=claimed,
        terms_id=campaign.terms_id,
        voucher_count=0,
        kind=tier.kind,
        face_fen=tier.face_fen,
        threshold_fen=tier.threshold_fen,
        threshold_basis=tier.threshold_basis,
        percent_bp=tier.percent_bp,
        split=[list(share) for share in price.split],
        valid_from_at=claimed.opens_at,
        valid_until_at=min(until_at, campaign.ends_at),
        minted_at=at,
    )
