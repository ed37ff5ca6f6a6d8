"""Add the parts of a campaign's terms to its draft; each edit is recorded with its author."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from merchants.models import District, Store
from vouchers.models import (
    Campaign,
    CampaignEdit,
    CampaignStore,
    FundingSource,
    Geofence,
    LimitRule,
    QuotaCell,
    Ring,
    Round,
    Tier,
    TierSplit,
)
from vouchers.rules.campaigns import terms as rules
from vouchers.rules.ledger.amounts import check_amount_fen
from vouchers.services.ledger import transfers
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.states import CampaignState, LimitKind, ThresholdBasis, TierKind

EDIT = "vouchers.change_campaign"
WHAT_LENGTH = 80


def note_edit(
    *, campaign: Campaign, by: User, what: str, at: datetime, seen_edit: int | None = None
) -> None:
    """Record that `by` edits a draft, and lock the campaign until the caller's commit.

    Every change of terms calls this first. `seen_edit` is the newest edit the author has seen.
    Refuses `not_permitted`, `campaign_state` out of the draft, and `terms_not_as_seen` when the
    draft has been edited since.
    """
    require_permission(by, EDIT)
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if held.state != CampaignState.DRAFT:
        raise Refused("campaign_state", "only_in_draft", state=held.state)
    if seen_edit is not None and held.edits.filter(pk__gt=seen_edit).exists():
        raise Refused("terms_not_as_seen", "edited_since")
    CampaignEdit.objects.create(campaign=held, user=by, what=what[:WHAT_LENGTH], at=at)


def check_amounts(*figures: object, least: int = 1) -> None:
    """Refuse what is no amount of fen or number of vouchers; None is no limit."""
    for figure in figures:
        if figure is not None:
            refuse(check_amount_fen(figure, least_fen=least))


def add_source(
    *,
    campaign: Campaign,
    code: str,
    name: str,
    by: User,
    at: datetime,
    appropriated_fen: int = 0,
) -> FundingSource:
    """A funding source and, where given, what it appropriates (becomes free money at once)."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"source {code}", at=at)
        source = FundingSource.objects.create(campaign=campaign, code=code, name=name)
        if appropriated_fen != 0:
            transfers.appropriate(source=source, expected_fen=0, target_fen=appropriated_fen, at=at)
    return source


def set_appropriation(
    *, source: FundingSource, expected_fen: int, target_fen: int, by: User, at: datetime
) -> None:
    """Change what a draft's source appropriates, by compare-and-swap on the figure seen.

    Refuses as `note_edit` and `ledger.appropriate` do.
    """
    with transaction.atomic():
        note_edit(campaign=source.campaign, by=by, what=f"appropriation {source.code}", at=at)
        transfers.appropriate(
            source=source, expected_fen=expected_fen, target_fen=target_fen, at=at
        )


def add_tier(
    *,
    campaign: Campaign,
    code: str,
    name: str,
    face_fen: int,
    split: Mapping[str, int],
    by: User,
    at: datetime,
    threshold_fen: int = 0,
    kind: TierKind = TierKind.THRESHOLD,
    threshold_basis: ThresholdBasis = ThresholdBasis.POST_DISCOUNT,
    percent_bp: int | None = None,
    per_resident: int = 1,
) -> Tier:
    """A tier; `split` is each source's (by code) share of the face, in fen."""
    check_amounts(face_fen, *split.values())
    check_amounts(threshold_fen, least=0)
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"tier {code}", at=at)
        tier = Tier.objects.create(
            campaign=campaign,
            code=code,
            name=name,
            kind=kind.value,
            face_fen=face_fen,
            threshold_fen=threshold_fen,
            threshold_basis=threshold_basis.value,
            percent_bp=percent_bp,
            per_resident=per_resident,
        )
        set_split(tier, split)
    return tier


def set_split(tier: Tier, split: Mapping[str, int]) -> None:
    """What each source (by code) pays of a tier's face, in place of what it paid before.

    Called inside an edit's transaction. Refuses `terms_invalid` for a source of another campaign
    and for shares that miss the face.
    """
    sources = {
        source.code: source for source in FundingSource.objects.filter(campaign=tier.campaign)
    }
    if unknown := sorted(split.keys() - sources.keys()):
        raise Refused(rules.INVALID, "share_of_known_source", tier=tier.code, source=unknown[0])
    if off_fen := tier.face_fen - sum(split.values()):
        raise Refused(rules.INVALID, "shares_add_up", tier=tier.code, off_fen=off_fen)
    tier.splits.all().delete()
    TierSplit.objects.bulk_create(
        TierSplit(tier=tier, source=sources[source], amount_fen=share_fen)
        for source, share_fen in split.items()
    )


def add_ring(
    *, campaign: Campaign, label: str, from_m: int, to_m: int, by: User, at: datetime
) -> Ring:
    """A distance ring around the stores."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"ring {label}", at=at)
        return Ring.objects.create(campaign=campaign, label=label, from_m=from_m, to_m=to_m)


def add_round(
    *,
    campaign: Campaign,
    number: int,
    opens_at: datetime,
    closes_at: datetime,
    by: User,
    at: datetime,
) -> Round:
    """A round, a half-open period within the campaign."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"round {number}", at=at)
        return Round.objects.create(
            campaign=campaign, number=number, opens_at=opens_at, closes_at=closes_at
        )


def add_geofence(
    *,
    campaign: Campaign,
    by: User,
    at: datetime,
    geometry: Mapping[str, Any] | None = None,
    district: District | None = None,
) -> Geofence:
    """A polygon to add (GeoJSON, WGS-84), or else a district to stay within."""
    kind = Geofence.Kind.WITHIN_DISTRICT if district else Geofence.Kind.INCLUDE_POLYGON
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"geofence {kind}", at=at)
        return Geofence.objects.create(
            campaign=campaign, kind=kind, geometry=geometry, district=district
        )


def add_limit(
    *,
    campaign: Campaign,
    kind: LimitKind,
    by: User,
    at: datetime,
    limit_count: int | None = None,
    limit_fen: int | None = None,
) -> LimitRule:
    """An exact limit by number of redemptions, by subsidy, or both."""
    check_amounts(limit_count, limit_fen, least=0)
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"limit {kind.name.lower()}", at=at)
        return LimitRule.objects.create(
            campaign=campaign, kind=kind.value, limit_count=limit_count, limit_fen=limit_fen
        )


def add_store(
    *,
    campaign: Campaign,
    store: Store,
    by: User,
    at: datetime,
    category: str = "",
    radius_m: int | None = None,
    valid_from_at: datetime | None = None,
) -> CampaignStore:
    """A participating store, from `valid_from_at` (now where it is not given)."""
    with refused_by_database(), transaction.atomic():
        note_edit(
            campaign=campaign, by=by, what=f"store {store.merchant.code} {store.external_id}", at=at
        )
        return CampaignStore.objects.create(
            campaign=campaign,
            store=store,
            category=category,
            radius_m=radius_m,
            valid_from_at=valid_from_at or at,
        )


def add_stores(
    *, campaign: Campaign, stores: Sequence[Store], by: User, at: datetime, category: str = ""
) -> int:
    """Many participating stores in one edit; returns how many are new."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"{len(stores)} stores", at=at)
        known = set(campaign.participations.values_list("store_id", flat=True))
        fresh = [
            CampaignStore(campaign=campaign, store=store, category=category, valid_from_at=at)
            for store in stores
            if store.pk not in known
        ]
        CampaignStore.objects.bulk_create(fresh)
    return len(fresh)


def add_cell(
    *,
    campaign: Campaign,
    by: User,
    at: datetime,
    tier: Tier | None = None,
    round: Round | None = None,  # noqa: A002  # the design's word
    district: District | None = None,
    store: Store | None = None,
    source: FundingSource | None = None,
    channel: str | None = None,
    day: date | None = None,
    cap_fen: int | None = None,
    cap_count: int | None = None,
    bucket_count: int = 1,
) -> QuotaCell:
    """A cap on the slice that the given dimensions name; opened (made usable) by `launch`, in as
    `bucket_count` sub-buckets, for cells that many take from at once."""
    check_amounts(cap_fen, cap_count, least=0)
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what="quota cell", at=at)
        return QuotaCell.objects.create(
            campaign=campaign,
            tier=tier,
            round=round,
            district=district,
            store=store,
            source=source,
            channel=channel,
            day=day,
            cap_fen=cap_fen,
            cap_count=cap_count,
            bucket_count=bucket_count,
        )


def set_bucket_count(*, cell: QuotaCell, bucket_count: int, by: User, at: datetime) -> None:
    """Lay a draft's cell over so many sub-buckets once it is opened; for those that are there
    without having been added, as a source's own."""
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=cell.campaign, by=by, what="quota cell", at=at)
        QuotaCell.objects.filter(pk=cell.pk).update(bucket_count=bucket_count)
        cell.bucket_count = bucket_count
