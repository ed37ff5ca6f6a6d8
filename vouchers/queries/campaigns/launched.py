"""Campaigns that callers of the API may know of."""

from typing import Final

from merchants.errors import Refused
from vouchers.models import Campaign
from vouchers.states import CampaignState

BEFORE_LAUNCH: Final = (CampaignState.DRAFT, CampaignState.SUBMITTED, CampaignState.APPROVED)


def launched_campaign(code: str, *, is_test: bool) -> Campaign:
    """The campaign of that code, in the caller's own world. Refuses `not_found` also for one that
    is still being prepared."""
    known = Campaign.objects.filter(code=code, is_test=is_test).exclude(state__in=BEFORE_LAUNCH)
    found = known.first()
    if found is None:
        raise Refused("not_found", "campaign_unknown")
    return found
