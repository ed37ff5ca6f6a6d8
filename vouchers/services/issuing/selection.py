"""Who gets what in a run: its audience read, and chosen under the locks of the quota buckets."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from merchants.errors import Refused
from merchants.models import District, StoreLocation
from vouchers.models import Campaign, CampaignStore, Run, Shard, Tier
from vouchers.models.audience.members import (
    AS_OF,
    READ_MEMBERS,
    READ_MEMBERS_WITH_FACTS,
    Members,
)
from vouchers.rules.audience.facts import SENIOR_AGE
from vouchers.rules.audience.need import NeedFacts, NeedWeights
from vouchers.rules.issuing.priority import SMALL_SHOP, Guarantee, People
from vouchers.rules.issuing.selection import Chosen, Line, Plan, choose, limits, line_up
from vouchers.rules.ledger.quotas import Cells, PlannedVouchers
from vouchers.rules.limits.limits import business_day
from vouchers.services.ledger import quotas
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RunState, SelectionMethod, ShardState

MEMBERS_A_BLOCK = 1_000_000


class Selection:
    """One run's choice: per tier the chosen members and the allocations they count in."""

    def __init__(self, run: Run, at: datetime) -> None:
        self.run = run
        self.tiers: Sequence[Tier] = list(run.campaign.tiers.order_by("face_fen", "id"))
        self.prices = quotas.prices_of(tier.pk for tier in self.tiers)
        self.cells: Cells = quotas.cells_of_campaign(run.campaign_id)
        self.chosen_from = _chosen_from(run, at)
        """What an auditor needs besides audience, terms and seed to choose again."""
        self.line = _line_of(run, self.cells, self.chosen_from)
        self.chosen: dict[int, Chosen] = {}
        self.allocation_ids: dict[int, NDArray[np.int64]] = {}
        """Per tier the allocation of each group of the line; 0 where no resident of it is
        chosen."""

    def make(self) -> None:
        """Choose under the buckets' locks and take the headroom."""
        for tier in self.tiers:
            if unfunded := self.cells.unfunded(self.prices[tier.pk]):
                raise Refused("source_not_appropriated", source=unfunded[0])
        buckets = quotas.lock_buckets(cell_ids=[cell.id for cell in self.cells.all])
        rooms = quotas.rooms_of(buckets)
        earlier = list(_earlier(self.run))
        self.chosen_from["rooms"] = {id_: [room.fen, room.count] for id_, room in rooms.items()}
        self.chosen_from["earlier_shards"] = [shard.id for shard in earlier]
        room = limits(self.cells.all, rooms)
        for tier in self.tiers:
            self.chosen[tier.pk], room = choose(
                self.line,
                cells=self.cells,
                slices=self.line.of_tier(tier.pk),
                price=self.prices[tier.pk],
                wanted=np.maximum(tier.per_resident - _had(earlier, tier, self.line), 0),
                room=room,
            )
        quotas.take_locked(buckets=buckets, needs=self.cells.needs(self.planned()))
        self._name_allocations()

    def counts(self, tier: Tier) -> NDArray[np.intp]:
        """Vouchers of each group of the line."""
        groups = self.line.group[self.chosen[tier.pk].member]
        return np.bincount(groups, minlength=len(self.line.slices))

    def planned(self) -> list[PlannedVouchers]:
        """What is chosen, by slice."""
        return [
            PlannedVouchers(item, self.prices[tier.pk], count)
            for tier in self.tiers
            for item, count in zip(
                self.line.of_tier(tier.pk), self.counts(tier).tolist(), strict=True
            )
            if count
        ]

    def _name_allocations(self) -> None:
        known = quotas.allocations_for(
            campaign_id=self.run.campaign_id,
            slices=[planned_part.slice for planned_part in self.planned()],
        )
        for tier in self.tiers:
            ids = [known.get(item, 0) for item in self.line.of_tier(tier.pk)]
            self.allocation_ids[tier.pk] = np.array(ids, dtype=np.int64)

    def summary(self) -> dict[str, object]:
        """Vouchers, residents and fen by tier and together, and why members got none."""
        tiers = {tier.code: self._summary_of(tier) for tier in self.tiers}
        chosen = self.chosen.values()
        is_served = np.any([choice.is_served for choice in chosen], axis=0)
        return {
            "tiers": tiers,
            "vouchers": sum(choice.member.size for choice in chosen),
            "residents": int(np.count_nonzero(is_served)),
            "fen": sum(self._fen(tier) for tier in self.tiers),
            "chosen_from": self.chosen_from,
        }

    def _summary_of(self, tier: Tier) -> dict[str, object]:
        chosen = self.chosen[tier.pk]
        return {
            "vouchers": chosen.member.size,
            "residents": int(np.count_nonzero(chosen.is_served)),
            "fen": self._fen(tier),
            "passed_over": dict(chosen.passed_over),
        }

    def _fen(self, tier: Tier) -> int:
        return self.chosen[tier.pk].member.size * self.prices[tier.pk].face_fen


def _chosen_from(run: Run, at: datetime) -> dict[str, Any]:
    """What the choice is made from, read before the residents: what changes meanwhile counts as
    changed since."""
    campaign = run.campaign
    (now,) = AS_OF.send(raw_connection(), {}).rows()
    population: dict[int, int] = {}
    if campaign.selection_method == SelectionMethod.DISTRICTS:
        known = District.objects.exclude(population=None)
        population = {row.pk: row.population or 0 for row in known.order_by("pk")}
    small_shops: list[int] = []
    if campaign.small_shop_share_bp:
        shops = CampaignStore.objects.filter(campaign=campaign, category=SMALL_SHOP)
        small_shops = sorted(set(shops.values_list("store_id", flat=True)))
    return {
        "as_of": now.as_of,
        "xid": now.xid,
        "day": business_day(at, campaign.zone).isoformat(),
        "method": campaign.selection_method,
        "population": population,
        "small_shops": small_shops,
    }


def _line_of(run: Run, cells: Cells, chosen_from: Mapping[str, Any]) -> Line:
    campaign, day = run.campaign, date.fromisoformat(chosen_from["day"])
    plan = Plan(
        method=SelectionMethod(campaign.selection_method),
        hold_out_bp=campaign.hold_out_bp,
        # The same control group in every run of the campaign.
        hold_out_seed=campaign.code,
        population=chosen_from["population"],
    )
    asks_for_facts = (
        "district_id" in cells.dimensions
        or plan.method in {SelectionMethod.NEED, SelectionMethod.DISTRICTS}
        or campaign.senior_share_bp > 0
    )
    members = _members_of(run.pk, with_facts=asks_for_facts)
    store_id = _store_ids(members.store_location_id)
    return line_up(
        people=People(
            resident_id=members.resident_id,
            distance_m=members.distance_m,
            need=_need(campaign, members, day),
            district_id=members.district_id.astype(np.int64),
        ),
        bucket=members.bucket,
        store_id=store_id,
        seed=run.seed,
        cells=cells,
        round_id=run.round_id,
        channel=run.channel,
        day=day,
        plan=plan,
        guarantees=list(_guarantees(campaign, members, chosen_from["small_shops"], store_id, day)),
    )


def _need(campaign: Campaign, members: Members, day: date) -> NDArray[np.int64]:
    facts = NeedFacts(
        need_score=members.need_score.astype(np.int64),
        birth_year=members.birth_year.astype(np.int64),
        is_registered=members.is_registered > 0,
        has_residence_permit=members.has_residence_permit > 0,
        tags=members.tags,
    )
    return NeedWeights.of(campaign.need_weights).need(facts, year=day.year)


def _guarantees(
    campaign: Campaign,
    members: Members,
    small_shops: Sequence[int],
    store_id: NDArray[np.int64],
    day: date,
) -> Iterator[Guarantee]:
    if campaign.senior_share_bp:
        age = np.where(members.birth_year > 0, day.year - members.birth_year, 0)
        yield Guarantee(age >= SENIOR_AGE, campaign.senior_share_bp)
    if campaign.small_shop_share_bp:
        yield Guarantee(np.isin(store_id, small_shops), campaign.small_shop_share_bp)


def _members_of(run_id: int, *, with_facts: bool) -> Members:
    """A run's whole audience, read in blocks: one row of PostgreSQL holds at most 1 GB."""
    statement = READ_MEMBERS_WITH_FACTS if with_facts else READ_MEMBERS
    blocks: list[Members] = []
    after_bucket, after_id = -1, 0
    while True:
        after = {"after_bucket": after_bucket, "after_id": after_id, "most": MEMBERS_A_BLOCK}
        (block,) = statement.send(raw_connection(), {"run_id": run_id, **after}).rows()
        blocks.append(block)
        if block.resident_id.size < MEMBERS_A_BLOCK:
            return Members(*map(np.concatenate, zip(*blocks, strict=True)))
        after_bucket = int(block.bucket.max())
        after_id = int(block.resident_id[block.bucket == after_bucket].max())


def _store_ids(location_ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """The store of each location version."""
    found, place = np.unique(location_ids, return_inverse=True)
    rows = StoreLocation.objects.filter(pk__in=found.tolist()).values_list("id", "store_id")
    store_of = dict(rows)
    return np.array([store_of[id_] for id_ in found.tolist()], dtype=np.int64)[place]


def _earlier(run: Run) -> Iterator[Shard]:
    """Shards whose residents have got, or are about to get, vouchers from other runs of the same
    round and channel; read under the buckets' locks, which every such run takes.

    One enrolment per platform and round: what came through another channel does not count, but what
    came through none in particular does, and a run of none counts what came through any.
    """
    others = Shard.objects.filter(run__campaign=run.campaign, run__round=run.round)
    # What a cancelled run did not mint has gone back.
    others = others.exclude(~Q(state=ShardState.DONE), run__state=RunState.CANCELLED)
    if run.channel is not None:
        others = others.filter(Q(run__channel=run.channel) | Q(run__channel=None))
    return others.exclude(run=run).only("tier_id", "resident_ids").order_by("id").iterator()


def _had(earlier: Sequence[Shard], tier: Tier, line: Line) -> NDArray[np.int64]:
    """Vouchers of a tier that each member has got from earlier shards."""
    packed = b"".join(bytes(shard.resident_ids) for shard in earlier if shard.tier_id == tier.pk)
    resident_id, counts = np.unique(np.frombuffer(packed, dtype="<i8"), return_counts=True)
    if not resident_id.size:
        return np.zeros(line.resident_id.size, dtype=np.int64)
    at = np.minimum(np.searchsorted(resident_id, line.resident_id), resident_id.size - 1)
    return np.where(resident_id[at] == line.resident_id, counts[at], 0)
