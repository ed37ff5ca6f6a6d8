"""Why a resident was reached by a run, or not, and got vouchers, or not: from what the run kept.

A member's evidence is the run's own row. Reasons of people whom a run did not reach are counted and
not kept one by one, so they are judged again as of the run's instant, by its stores and terms, on
what is on file of the resident now; where that has changed since, the answer says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.models import StoreLocation
from vouchers.models import AudienceMember, Resident, Run, Shard, Targeting, Tier
from vouchers.models.audience.members import HAS_CHANGED
from vouchers.rules.issuing.outcomes import Outcome, passed_over
from vouchers.rules.issuing.priority import held_out
from vouchers.services.audience.explain import Explained, decided_by, explain_in
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.audience.stores import Stores
from vouchers.services.history import note
from vouchers.services.ledger import quotas
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RunState, ShardState


@dataclass(frozen=True, slots=True)
class TierOutcome:
    """What became of a resident in one tier, named in words, and how many vouchers of it they were
    chosen for."""

    tier: str
    outcome: Outcome
    vouchers: int


@dataclass(frozen=True, slots=True)
class ExplainedRun:
    """A run's answer about one resident; `outcomes` are empty for those whom it did not reach.

    `targeted` is None while the run has not found its audience. `is_changed`: what is on file of
    the resident has changed since, and `targeted` says why they would not be reached with that; its
    reason is None where they now would.
    """

    run_id: int
    at: datetime | None
    targeted: Explained | None
    outcomes: tuple[TierOutcome, ...] = ()
    is_changed: bool = False


def look_up_run(
    *, run: Run, resident: Resident, reason: str, by: User, at: datetime
) -> ExplainedRun:
    """The explanation for a person, who says why they look. Refuses `not_permitted`."""
    require_permission(by, "vouchers.view_resident", at=at, on=resident)
    require_permission(by, "vouchers.view_campaign", at=at, on=run.campaign)
    with transaction.atomic():
        what = _("explained for run %(run)s")
        note(resident, by=by, what=what, at=at, run=run.pk, reason=reason)
        return _explained(run, resident)


def _explained(run: Run, resident: Resident) -> ExplainedRun:
    targeting = Targeting.objects.filter(run=run).first()
    if targeting is None or not run.audience:
        return ExplainedRun(run.pk, None, None)
    member = AudienceMember.objects.filter(
        run=run, bucket=resident.bucket, resident=resident
    ).first()
    if member is None:
        return _unreached(run, resident, targeting)
    place = StoreLocation.objects.get(pk=member.store_location_id)
    said = Explained(
        reason=None,
        point_kind=member.point_kind,
        store_id=place.store_id,
        store_location_id=place.pk,
        distance_m=member.distance_m,
        outside_m=0.0,
        ring=member.ring,
        is_in_area=member.distance_m > _radius_m(targeting, place.pk),
        decided_by=decided_by(None, run.campaign, resident, targeting.at),
    )
    return ExplainedRun(run.pk, targeting.at, said, tuple(_outcomes(run, resident)))


def _radius_m(targeting: Targeting, location_id: int) -> float:
    """How far the store reached in the run."""
    location_ids = np.frombuffer(bytes(targeting.location_ids), "<i8")
    radii_m = np.frombuffer(bytes(targeting.radii_m), "<f8")
    return float(radii_m[location_ids == location_id][0])


def _unreached(run: Run, resident: Resident, targeting: Targeting) -> ExplainedRun:
    context = TargetingContext.of(run.campaign, targeting.at, Stores.planned(targeting))
    said = explain_in(context=context, campaign=run.campaign, resident=resident)
    is_changed = said.reason is None
    if stored := run.selection.get("chosen_from"):
        asked = {"resident_id": resident.pk, "as_of": stored["as_of"], "xid": stored["xid"]}
        (since,) = HAS_CHANGED.send(raw_connection(), asked).rows()
        is_changed |= since
    return ExplainedRun(run.pk, targeting.at, said, is_changed=is_changed)


def _outcomes(run: Run, resident: Resident) -> Iterator[TierOutcome]:
    tiers = list(run.campaign.tiers.order_by("face_fen", "id"))
    stored = run.selection.get("chosen_from")
    if stored is None:
        yield from (TierOutcome(tier.name, Outcome.WAITING, 0) for tier in tiers)
        return
    chosen = _vouchers(resident, run=run)
    minted = _vouchers(resident, run=run, state=ShardState.DONE.value)
    earlier = _vouchers(resident, id__in=stored["earlier_shards"])
    for tier in tiers:
        if count := chosen.get(tier.pk, 0):
            yield TierOutcome(tier.name, _of_chosen(run, count, minted.get(tier.pk, 0)), count)
        else:
            yield TierOutcome(tier.name, _of_others(run, resident, tier, earlier), 0)


def _of_chosen(run: Run, chosen: int, minted: int) -> Outcome:
    if minted == chosen:
        return Outcome.ISSUED
    return Outcome.RETURNED if run.state == RunState.CANCELLED else Outcome.RESERVED


def _of_others(run: Run, resident: Resident, tier: Tier, earlier: Mapping[int, int]) -> Outcome:
    campaign = run.campaign
    ids = np.array([resident.pk], dtype=np.int64)
    by_district = "district_id" in quotas.cells_of_campaign(campaign.pk).dimensions
    return passed_over(
        is_held_out=bool(held_out(campaign.code, ids, campaign.hold_out_bp)[0]),
        is_barred=by_district and resident.district_id is None,
        had=earlier.get(tier.pk, 0),
        per_resident=tier.per_resident,
    )


def _vouchers(resident: Resident, **of: object) -> dict[int, int]:
    """By tier how many vouchers of some shards are for a resident; one shard is read at a time."""
    found: dict[int, int] = {}
    shards = Shard.objects.filter(**of).values_list("tier_id", "resident_ids")
    for tier_id, packed in shards.iterator(chunk_size=1):
        count = int((np.frombuffer(bytes(packed), "<i8") == resident.pk).sum())
        if count:
            found[tier_id] = found.get(tier_id, 0) + count
    return found
