"""Whom a campaign would reach now and what that would cost, without a word about one person.

How the figures are made so that no two previews tell a home is in `rules/audience/squares`. On top
of it every preview that is begun is kept in the campaign's history with its author and terms, and a
user may see at most `MOST_AN_HOUR` of them.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.models import StoreLocation, Street
from vouchers.models import Campaign, PreviewCount, QuotaBucket, QuotaCell
from vouchers.models.audience.snapshots import READ_EXTENTS
from vouchers.money import WHOLE_BP
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.audience.density import Inhabited, homes
from vouchers.rules.audience.expectation import Expectation, OfferedTier, expect
from vouchers.rules.audience.figures import ATTRIBUTES, Figures, Tally
from vouchers.rules.audience.filters import TARGETED
from vouchers.rules.audience.squares import Census
from vouchers.rules.campaigns.terms import terms_sha256
from vouchers.rules.ledger.quotas import Room, room_of
from vouchers.rules.limits.limits import business_day
from vouchers.services.audience.counting import Counting, end_counting
from vouchers.services.audience.density import ground_of
from vouchers.services.audience.moments import moment_of
from vouchers.services.audience.previewed import Reached, reached_of, recall, remember
from vouchers.services.audience.residents import Sources, TargetingContext
from vouchers.services.history import note
from vouchers.services.ledger import quotas
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection

MOST_AN_HOUR: Final = 60
WINDOW_S: Final = 3_600


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures with the ids they are about: `ring_labels`, `store_ids` and `street_codes` (of the
    figures' areas) are by the positions that the figures use. `stray_store_ids` are stores outside
    the district they state. `density` is where those live whom the conditions take, near a store or
    not; empty unless it was asked for."""

    figures: Figures
    expectation: Expectation
    ring_labels: tuple[str, ...]
    store_ids: tuple[int, ...]
    street_codes: tuple[int, ...]
    stray_store_ids: tuple[int, ...]
    density: tuple[Inhabited, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """What the last preview of a campaign showed: people in tens, None for fewer than ten.
    `is_current`: the terms are still the ones it was made with."""

    targeted: int | None
    examined: int | None
    at: datetime
    is_current: bool


def preview(*, campaign: Campaign, by: User, at: datetime, is_mapped: bool = False) -> Preview:
    """The audience a campaign would have now, or at its start if that is still to come; and what
    one distribution of its first round would issue and cost. With its density if it `is_mapped`.

    Refuses `not_permitted`, `rate_limited` after 60 within an hour, and `terms_invalid` for a draft
    by which no one can be judged; one that failed has shown nothing and does not count.
    """
    require_permission(by, "vouchers.view_campaign", at=at)
    asked_at = at
    _check_rate(by, at)
    with transaction.atomic():
        _note(campaign, by, at)
    with transaction.atomic():
        at = moment_of(campaign, at)
        context = TargetingContext.of(campaign, at)
        tally = Tally(context.kinds, at.astimezone(ZoneInfo(campaign.zone)).year)
        sources, total = _everyone(context)
        wanted, counting = Census(), Counting(campaign=campaign, by=by, total=total)
        for block in context.blocks(sources, ATTRIBUTES):
            tally.add(block)
            counting.add(block.reason.size)
            if is_mapped:
                wanted.add(0, homes(block.facts, context.kinds, block.reason == TARGETED))
        streets = dict(Street.objects.order_by("code").values_list("code", "boundary"))
        figures = tally.figures(context.coverage, list(streets.values()))
        store_ids = tuple(context.store_ids.tolist())
        _keep_counts(campaign, figures, by, asked_at)
        found = Preview(
            figures=figures,
            expectation=_expected(campaign, figures, store_ids, at),
            ring_labels=tuple(ring.label for ring in context.coverage.rings.rings),
            store_ids=store_ids,
            street_codes=tuple(streets),
            stray_store_ids=_strays(context.location_ids.tolist()),
            density=tuple(ground_of(context, sources).inhabited(wanted)) if is_mapped else (),
        )
    end_counting(campaign=campaign, by=by)
    remember(campaign, reached_of(figures, store_ids, asked_at))
    return found


def _check_rate(by: User, at: datetime) -> None:
    """By the previews that were made."""
    since = at - timedelta(seconds=WINDOW_S)
    made = PreviewCount.objects.filter(by=by, at__gt=since).order_by("-at")
    times = list(made.values_list("at", flat=True)[:MOST_AN_HOUR])
    if len(times) == MOST_AN_HOUR:
        wait = times[-1] + timedelta(seconds=WINDOW_S) - at
        raise Refused("rate_limited", "previews", retry_after_s=max(1, int(wait.total_seconds())))


def _note(campaign: Campaign, by: User, at: datetime) -> None:
    """Write the preview into the history, also when it then fails."""
    what = _(
        "audience previewed within %(radius_m)s of: %(point_kinds)s; %(audience_filter)s;"
        " terms %(terms)s"
    )
    note(
        campaign,
        by=by,
        what=what,
        at=at,
        radius_m=campaign.radius_m,
        point_kinds=campaign.point_kinds,
        audience_filter=campaign.audience_filter,
        terms=terms_sha256(document_of(campaign)).hex(),
    )


def _keep_counts(campaign: Campaign, figures: Figures, by: User, at: datetime) -> None:
    """Keep what is shown: only counts that may be shown are in it. Those of one person one after
    another, so that many at once are no way past the limit."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    _check_rate(by, at)
    PreviewCount.objects.create(
        campaign=campaign,
        by=by,
        terms_sha256=terms_sha256(document_of(campaign)),
        targeted=figures.targeted,
        examined=figures.examined,
        at=at,
    )


def last_preview(campaign: Campaign) -> Counted | None:
    """The counts of the newest preview; None before the first."""
    newest = campaign.previews.order_by("-at", "-id").first()
    if newest is None:
        return None
    is_current = bytes(newest.terms_sha256) == terms_sha256(document_of(campaign))
    return Counted(newest.targeted, newest.examined, newest.at, is_current)


def last_reached(campaign: Campaign) -> tuple[Reached, Counted] | None:
    """The figures of the newest preview by store and district; None before the first, and a week
    after the last."""
    counted = last_preview(campaign)
    reached = recall(campaign, at=counted.at) if counted else None
    return (reached, counted) if counted and reached else None


def _everyone(context: TargetingContext) -> tuple[Sources, int]:
    """Sources with the blocks that no store reaches too, since which people share a square must not
    depend on the campaign; and how many residents that is at most."""
    sources = context.sources()
    extents = READ_EXTENTS.send(raw_connection(), {"snapshot_id": sources.snapshot_id}).rows()
    numbers = np.array([extent.number for extent in extents], dtype=np.int32)
    total = sources.changed.size + sum(extent.resident_count for extent in extents)
    return replace(sources, block_numbers=numbers, beyond_reach=0), total


def _expected(
    campaign: Campaign, figures: Figures, store_ids: tuple[int, ...], at: datetime
) -> Expectation:
    tiers = list(campaign.tiers.order_by("face_fen", "id"))
    prices = quotas.prices_of(tier.pk for tier in tiers)
    first_round = campaign.rounds.order_by("number").first()

    def served(people: int | None) -> int:
        """Without the control group, who get nothing."""
        return (people or 0) * (WHOLE_BP - campaign.hold_out_bp) // WHOLE_BP

    return expect(
        people=served(figures.targeted),
        by_district={int(key): served(count) for key, count in figures.districts.items()},
        by_store={store_ids[key]: served(count) for key, count in figures.stores.items()},
        tiers=[
            OfferedTier(tier.pk, tier.code, tier.per_resident, prices[tier.pk]) for tier in tiers
        ],
        cells=quotas.cells_of_campaign(campaign.pk),
        rooms=_rooms(campaign),
        round_id=None if first_round is None else first_round.pk,
        day=business_day(at, campaign.zone),
    )


def _rooms(campaign: Campaign) -> dict[int, Room]:
    """What each cell can still take: what is left in its buckets or, before the launch, its cap."""
    rooms = {}
    cells = QuotaCell.objects.filter(campaign=campaign).prefetch_related("buckets")
    for cell in cells:
        buckets: list[QuotaBucket] = list(cell.buckets.all())
        left = room_of(Room(bucket.headroom_fen, bucket.headroom_count) for bucket in buckets)
        rooms[cell.pk] = left if buckets else Room(cell.cap_fen, cell.cap_count)
    return rooms


def _strays(location_ids: Collection[int]) -> tuple[int, ...]:
    found = StoreLocation.objects.filter(pk__in=location_ids, outside_district=True)
    return tuple(found.order_by("store_id").values_list("store_id", flat=True))
