"""Why one resident is targeted, or not: by the code that targets a run.

A person's look is kept in the resident's history with its reason (`look_up`); what a channel tells
the resident is the resident's own (`explain`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop as _

from merchants.geo import CoordinateFault, check_coordinates
from vouchers.models import Approval, Campaign, Exclusion, Geofence, Resident, ResidentMerge
from vouchers.queries.campaigns.overview import under_way
from vouchers.rules.audience import filters as rules
from vouchers.rules.audience.failing import failed_conditions
from vouchers.rules.audience.filters import Block, Judged, Untargeted
from vouchers.rules.audience.targeting import explain as place_explained
from vouchers.services.audience.moments import moment_of
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.history import note
from vouchers.services.roles import require_permission, visible


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a resident is targeted (`reason` None) or not (`reason` a code).

    Store and distance are those that decide: of the nearest covering store, or, outside, of the
    store whose circle's edge is nearest, `outside_m` beyond it. None where places were not judged.
    `conditions` are those of the audience filter that the resident does not meet, with what they
    ask. `kinds` of places, `districts` and `streets` are those that count, where none of the
    resident's is among them. A place that `is_in_area` lies in a polygon and in no circle; a
    campaign without polygons has no `has_areas`. `fault` is what is wrong with the first accepted
    place whose coordinates can't be used. `decided_by` names who set what decides: who excluded,
    merged or froze the resident, else who approved the terms; empty where no one has yet.
    """

    reason: str | None
    point_kind: str | None = None
    store_id: int | None = None
    store_location_id: int | None = None
    distance_m: float | None = None
    outside_m: float | None = None
    ring: str | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    districts: tuple[int, ...] = ()
    streets: tuple[int, ...] = ()
    is_in_area: bool = False
    has_areas: bool = False
    fault: CoordinateFault | None = None
    decided_by: str = ""


MOST_EXPLAINED: Final = 10
DECIDED_BY_NO_ONE: Final = {
    Untargeted.SANDBOX.code,
    Untargeted.NO_CONSENT.code,
    Untargeted.NO_POINT.code,
    Untargeted.BAD_COORDINATES.code,
}


def look_up(
    *, campaign: Campaign, resident: Resident, reason: str, by: User, at: datetime
) -> Explained:
    """`explain` for a person, who says why they look. Refuses `not_permitted`."""
    require_permission(by, "vouchers.view_resident", at=at, on=resident)
    require_permission(by, "vouchers.view_campaign", at=at, on=campaign)
    with transaction.atomic():
        note(
            resident,
            by=by,
            what=_("explained for %(campaign)s (%(code)s)"),
            at=at,
            campaign=campaign.name,
            code=campaign.code,
            reason=reason,
        )
    return explain(campaign=campaign, resident=resident, at=at)


def look_up_all(
    *, number: str, reason: str, by: User, at: datetime
) -> list[tuple[Campaign, Explained]]:
    """`look_up` for the resident of a number by each campaign under way, at most 10, the newest
    first.

    Nothing for a number that is not on file, and of residents and campaigns that the user may not
    see.
    """
    people = visible(by, Resident.objects.filter(external_id=number.strip()), at=at)
    resident = people.first()
    if resident is None:
        return []
    newest_first = under_way(scheduled=True).order_by("-starts_at")
    return [
        (campaign, look_up(campaign=campaign, resident=resident, reason=reason, by=by, at=at))
        for campaign in visible(by, newest_first, at=at)[:MOST_EXPLAINED]
    ]


def explain(*, campaign: Campaign, resident: Resident, at: datetime) -> Explained:
    """Why this resident would be targeted now, or at the campaign's start if that is still to come;
    or why not."""
    with transaction.atomic():
        context = TargetingContext.of(campaign, moment_of(campaign, at))
        return explain_in(context=context, campaign=campaign, resident=resident)


def explain_in(*, context: TargetingContext, campaign: Campaign, resident: Resident) -> Explained:
    """Why this resident is targeted by a context, as of its instant, or not; inside the caller's
    transaction."""
    block = context.only(resident.pk)
    said = _explained(context.with_set_aside([resident.pk]), campaign, block)
    by = decided_by(said.reason, campaign, resident, context.conditions.at)
    return replace(said, decided_by=by)


def _explained(context: TargetingContext, campaign: Campaign, block: Block) -> Explained:
    judged = context.judge(block)
    reason = int(judged.reason[0])
    if reason == rules.TARGETED:
        return _reached(context, judged)
    if reason == Untargeted.OUTSIDE:
        return _outside(context, block)
    if reason == Untargeted.FILTERED:
        failed = failed_conditions(context.conditions, block.facts)
        return Explained(reason=Untargeted.FILTERED.code, conditions=failed)
    if reason == Untargeted.BAD_COORDINATES:
        return _unusable(context, block)
    if reason == Untargeted.OUTSIDE_STREETS:
        return _astray(context, campaign, block)
    code = Untargeted(reason).code
    if reason == Untargeted.NO_POINT:
        return Explained(reason=code, kinds=context.kinds)
    if reason == Untargeted.OUTSIDE_DISTRICT:
        return Explained(reason=code, districts=context.conditions.within_districts)
    return Explained(reason=code)


def _reached(context: TargetingContext, judged: Judged) -> Explained:
    store, distance_m = int(judged.store[0]), float(judged.distance_m[0])
    return Explained(
        reason=None,
        point_kind=rules.POINT_KINDS[judged.kind[0]],
        store_id=int(context.store_ids[store]),
        store_location_id=int(context.location_ids[store]),
        distance_m=distance_m,
        outside_m=0.0,
        ring=context.ring_label(int(judged.ring[0])),
        is_in_area=distance_m > float(context.coverage.circles.radius_m[store]),
        has_areas=bool(context.coverage.polygons),
    )


def _astray(context: TargetingContext, campaign: Campaign, block: Block) -> Explained:
    """What would reach the resident if the campaign did not stay within streets."""
    everywhere = replace(context, coverage=replace(context.coverage, streets=()))
    within = campaign.geofences.filter(kind=Geofence.Kind.WITHIN_STREET).order_by("street_id")
    return replace(
        _reached(everywhere, everywhere.judge(block)),
        reason=Untargeted.OUTSIDE_STREETS.code,
        streets=tuple(within.values_list("street_id", flat=True)),
    )


def _unusable(context: TargetingContext, block: Block) -> Explained:
    """The first accepted point that there is, and what is wrong with it."""
    for order, kind in enumerate(rules.POINT_KINDS):
        lon, lat = float(block.longitude_deg[order][0]), float(block.latitude_deg[order][0])
        if kind in context.kinds and not np.isnan(lon):
            reason = Untargeted.BAD_COORDINATES.code
            return Explained(reason=reason, point_kind=kind, fault=check_coordinates(lon, lat))
    return Explained(reason=Untargeted.BAD_COORDINATES.code)


def decided_by(reason: str | None, campaign: Campaign, resident: Resident, at: datetime) -> str:
    """The user name of who set what decides, of a reason or, with None, for being targeted."""
    if reason == Untargeted.EXCLUDED.code:
        found = Exclusion.objects.filter(
            Q(campaign=None) | Q(campaign=campaign),
            Q(lifted_at=None) | Q(lifted_at__gt=at),
            resident=resident,
            created_at__lte=at,
        ).order_by("-created_at")
        return found.values_list("created_by", flat=True).first() or ""
    if reason == Untargeted.MERGED.code:
        merges = ResidentMerge.objects.filter(member=resident, undone_at=None)
        return merges.values_list("merged_by", flat=True).first() or ""
    if reason in {Untargeted.FROZEN.code, Untargeted.NOT_ACTIVE.code}:
        return _moved_by(resident)
    if reason in DECIDED_BY_NO_ONE:
        return ""
    approved = Approval.objects.filter(
        terms__campaign=campaign, decision=Approval.Decision.APPROVED, decided_at__lte=at
    )
    newest = approved.order_by("-decided_at").select_related("approver").first()
    return newest.approver.get_username() if newest else ""


def _moved_by(resident: Resident) -> str:
    """Who moved the resident into the state they are in."""
    moves = resident.standing_changes.filter(state=resident.state)
    newest = moves.order_by("-at", "-id").select_related("by").first()
    return newest.by.get_username() if newest else ""


def _outside(context: TargetingContext, block: Block) -> Explained:
    """The accepted point that misses a circle by least."""
    missed = []
    for order, kind in enumerate(rules.POINT_KINDS):
        lon, lat = float(block.longitude_deg[order][0]), float(block.latitude_deg[order][0])
        if kind in context.kinds and not np.isnan(lon):
            said = place_explained(lon, lat, context.coverage.circles, context.coverage.rings)
            if said.fault is None and len(context.store_ids):
                missed.append((said.outside_m, order, said))
    if not missed:
        return Explained(reason=Untargeted.OUTSIDE.code)
    outside_m, order, said = min(missed, key=lambda item: item[:2])
    return Explained(
        reason=Untargeted.OUTSIDE.code,
        point_kind=rules.POINT_KINDS[order],
        store_id=int(context.store_ids[said.deciding_store]),
        store_location_id=int(context.location_ids[said.deciding_store]),
        distance_m=said.distance_m,
        outside_m=outside_m,
        has_areas=bool(context.coverage.polygons),
    )
