"""Sources, tiers and many stores of a draft; the other parts are edited row by row (`drafts`).

Each edit is recorded with its author.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from merchants.errors import Refused
from merchants.models import Store
from vouchers.models import (
    Campaign,
    CampaignEdit,
    CampaignStore,
    FundingSource,
    Round,
    Tier,
    TierSplit,
)
from vouchers.rules.campaigns import terms as rules
from vouchers.rules.campaigns.rounds import weekly
from vouchers.rules.ledger.amounts import check_amount_fen
from vouchers.services.ledger import funding
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.states import CampaignState, RoundWay, ThresholdBasis, TierKind

EDIT = "vouchers.change_campaign"
WHAT_LENGTH = 80


def note_edit(
    *, campaign: Campaign, by: User, what: str, at: datetime, seen_edit: int | None = None
) -> Campaign:
    """Record that `by` edits a draft, and lock the campaign until the caller's commit; returns it
    as it is under the lock.

    Every change of terms calls this first. `seen_edit` is the newest edit the author has seen.
    Refuses `not_permitted`, `campaign_state` out of the draft, and `terms_not_as_seen` when the
    draft has been edited since.
    """
    require_permission(by, EDIT, at=at)
    held = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if held.state != CampaignState.DRAFT:
        raise Refused("campaign_state", "only_in_draft", state=held.state)
    if seen_edit is not None and held.edits.filter(pk__gt=seen_edit).exists():
        raise Refused("terms_not_as_seen", "edited_since")
    CampaignEdit.objects.create(campaign=held, user=by, what=what[:WHAT_LENGTH], at=at)
    return held


def check_amounts(*figures: object, least: int = 1) -> None:
    """Refuse an invalid amount of fen or number of vouchers; None means no limit."""
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
            funding.appropriate(source=source, expected_fen=0, target_fen=appropriated_fen, at=at)
    return source


def set_appropriation(
    *, source: FundingSource, expected_fen: int, target_fen: int, by: User, at: datetime
) -> None:
    """Change what a draft's source appropriates, by compare-and-swap on the figure seen.

    Refuses as `note_edit` and `funding.appropriate` do.
    """
    with transaction.atomic():
        note_edit(campaign=source.campaign, by=by, what=f"appropriation {source.code}", at=at)
        funding.appropriate(source=source, expected_fen=expected_fen, target_fen=target_fen, at=at)


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
        _add_split(tier, split)
    return tier


def set_split(tier: Tier, split: Mapping[str, int]) -> None:
    """What each source (by code) pays of a tier's face, in place of what it paid before.

    Called inside an edit's transaction. Refuses `terms_invalid` for a source of another campaign
    and for shares that miss the face.
    """
    tier.splits.all().delete()
    _add_split(tier, split)


def _add_split(tier: Tier, split: Mapping[str, int]) -> None:
    sources = {
        source.code: source for source in FundingSource.objects.filter(campaign=tier.campaign)
    }
    if unknown := sorted(split.keys() - sources.keys()):
        raise Refused(rules.INVALID, "share_of_known_source", tier=tier.code, source=unknown[0])
    if off_fen := tier.face_fen - sum(split.values()):
        raise Refused(rules.INVALID, "shares_add_up", tier=tier.code, off_fen=off_fen)
    TierSplit.objects.bulk_create(
        TierSplit(tier=tier, source=sources[source], amount_fen=share_fen)
        for source, share_fen in split.items()
    )


def add_stores(
    *,
    campaign: Campaign,
    stores: Sequence[Store],
    by: User,
    at: datetime,
    category: str = "",
    seen_edit: int | None = None,
) -> int:
    """Many participating stores in one edit; returns how many are new. Refuses as `note_edit`."""
    with refused_by_database(), transaction.atomic():
        what = f"{len(stores)} stores"
        note_edit(campaign=campaign, by=by, what=what, at=at, seen_edit=seen_edit)
        known = set(campaign.participations.values_list("store_id", flat=True))
        fresh = [
            CampaignStore(campaign=campaign, store=store, category=category, valid_from_at=at)
            for store in stores
            if store.pk not in known
        ]
        CampaignStore.objects.bulk_create(fresh)
    return len(fresh)


def add_weekly_rounds(
    *,
    campaign: Campaign,
    first_opens_at: datetime,
    open_for: timedelta,
    weeks: int,
    way: RoundWay,
    by: User,
    at: datetime,
) -> int:
    """Rounds that open every week at the same local time, numbered on from the last; returns how
    many.

    Refuses `terms_invalid` (`round_closes_after_opening`); that they lie within the campaign and
    apart is judged by `submit`.
    """
    periods = weekly(
        first_opens_at=first_opens_at, open_for=open_for, weeks=weeks, zone=campaign.zone
    )
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"{weeks} weekly rounds", at=at)
        last = campaign.rounds.aggregate(last=Max("number"))["last"] or 0
        made = [
            Round(campaign=campaign, number=number, way=way.value, **period._asdict())
            for number, period in enumerate(periods, start=last + 1)
        ]
        Round.objects.bulk_create(made)
    return len(made)
