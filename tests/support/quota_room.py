"""Quota room for the tests: the allocation of a slice, and room taken as a run takes it."""

from collections.abc import Mapping
from typing import Any

from vouchers.models import Allocation, Campaign
from vouchers.rules.ledger.quotas import Slice
from vouchers.services.ledger import quotas
from vouchers.services.ledger.quotas import AllocationShare


def allocation_of(campaign: Campaign, tier: str = "off20", **dimensions: Any) -> int:
    """The id of the allocation that vouchers of a tier and slice count in."""
    whole = Slice(campaign.tiers.get(code=tier).pk, **dimensions)
    item = quotas.cells_of_campaign(campaign.pk).narrowed(whole)
    return quotas.allocations_for(campaign_id=campaign.pk, slices=[item])[item]


def take_from_all(vouchers: Mapping[int, int]) -> None:
    """Take room that is there for vouchers (allocation id → count), every sub-bucket locked."""
    locked = quotas.lock_shares(shares=[_whole(id_, count) for id_, count in vouchers.items()])
    assert locked.have_room
    quotas.take_locked(buckets=locked.buckets, needs=locked.needs)


def _whole(allocation_id: int, count: int) -> AllocationShare:
    tier_id = Allocation.objects.get(pk=allocation_id).tier_id
    return AllocationShare(allocation_id, quotas.prices_of([tier_id])[tier_id].times(count), count)
