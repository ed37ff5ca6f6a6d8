"""Quota room for the tests: the allocation of a slice, and room taken as a run takes it."""

from collections.abc import Mapping
from typing import Any

from vouchers.models import Campaign
from vouchers.rules.ledger.quotas import Slice
from vouchers.services.ledger import quotas
from vouchers.services.ledger.quotas import LockedNeeds


class NoRoomError(Exception):
    """A quota cell holds less than a test wants to issue."""


def allocation_of(campaign: Campaign, tier: str = "off20", **dimensions: Any) -> int:
    """The id of the allocation that vouchers of a tier and slice count in."""
    whole = Slice(campaign.tiers.get(code=tier).pk, **dimensions)
    item = quotas.cells_of_campaign(campaign.pk).narrowed(whole)
    return quotas.allocations_for(campaign_id=campaign.pk, slices=[item])[item]


def take_room(vouchers: Mapping[int, int]) -> None:
    """Take room for vouchers (allocation id → count), every sub-bucket locked as by a run. Raises
    NoRoomError, and then takes nothing."""
    needs = quotas.needs_of(vouchers)
    locked = LockedNeeds(quotas.lock_buckets(cell_ids=needs), needs)
    if not locked.have_room:
        raise NoRoomError
    quotas.take_locked(buckets=locked.buckets, needs=locked.needs)
