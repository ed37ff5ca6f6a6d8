"""As of when an audience is looked at before it is targeted."""

from datetime import datetime

from vouchers.models import Campaign
from vouchers.services.sandbox import time_in


def moment_of(campaign: Campaign, at: datetime) -> datetime:
    """Now by the campaign's clock; of a campaign that has still to begin its start, when the stores
    that join with it take part."""
    return max(time_in(campaign_id=campaign.pk, at=at), campaign.starts_at)
